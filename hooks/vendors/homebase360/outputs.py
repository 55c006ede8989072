"""Deliver: what Homebase360 answers, without its envelope, as its API page (version 1.0.0) shows it."""

from __future__ import annotations

from typing import Final

from hooks.kit.outputs import outputs

OUTPUTS: Final = outputs("""
Phones = mobile:text home:text work:text additional:text
Customer = customerId businessId firstName:text lastName:text displayName:text phone:Phones email:[text]
    address:[text] notifications:bool notes:text tags:[text] attachments dateAdded:time lastUpdated:time
Line = name:text description:text quantity:number unitPrice:text taxRate:{name:text rate:text}
Job = jobId businessId customerId lineItems:[Line] start:time end:time dispatchedTo note:text timezone:text
    isRecurring:bool dateAdded:time lastUpdated:time customer leadSource
get_customers: [Customer]
get_jobs: [Job]
create_customer: {customerId}
upsert_customer: {customerId created:bool updated:bool unchanged:bool}
create_job: {jobId}
upsert_job: {jobId created:bool updated:bool unchanged:bool}
update_customer update_job: {message:text}
ping: {message:text email:text timestamp:time}
""")
