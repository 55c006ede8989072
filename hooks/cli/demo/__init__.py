"""`hooks demo`: a morning of webhooks, played through a real server against stand-ins for the vendors."""
