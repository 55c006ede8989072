"""The doors: the public inbox, the admin API, and the HTTP server under both."""
