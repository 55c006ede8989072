"""The documents of all vendors that are written to."""

from __future__ import annotations

from tests.vendors.documents.account import Document
from tests.vendors.documents.homebase360 import HOMEBASE360
from tests.vendors.documents.housecall_pro import HOUSECALL_PRO
from tests.vendors.documents.http import HTTP
from tests.vendors.documents.jobcloser import JOBCLOSER
from tests.vendors.documents.servicetitan import SERVICETITAN
from tests.vendors.documents.supergood import SUPERGOOD
from tests.vendors.documents.zapier import ZAPIER

EVERY: tuple[Document, ...] = (HOUSECALL_PRO, SERVICETITAN, JOBCLOSER, HOMEBASE360, SUPERGOOD, HTTP, ZAPIER)
