"""The operator's console: pages over the same `History` and `Desk` as the API, served by the admin listener.

Every page can be read without a script; whatever changes something is a call of the API that the page's script makes.
"""

from hooks.web.console.pages import console_routes
from hooks.web.console.shell import Shown, error_page

__all__ = ["Shown", "console_routes", "error_page"]
