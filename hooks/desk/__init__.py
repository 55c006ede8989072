"""The admin's desk: what people may ask of a running server and change in it; `hooks.web` puts it on the network."""
