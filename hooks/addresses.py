"""Which network addresses are public, private, this machine, or nobody's to call. Pure.

The lists are the IANA registries of special addresses (read November 2026), turned round where that is safer: in IPv6
only what is handed out as global unicast counts as public. An address that carries an IPv4 address inside is judged by
that one. `ipaddress.is_global` alone is not enough: on Python 3.11 it lets multicast, ``::127.0.0.1``,
``64:ff9b::7f00:1`` and ``2002:7f00:1::`` through.
"""

from __future__ import annotations

import ipaddress
from typing import Final, Literal
from urllib.parse import SplitResult, urlsplit

Reach = Literal["public", "private", "loopback", "never"]
"""``never``: no setting opens it (link-local, the metadata services of clouds, multicast, reserved, documentation)."""


def _networks(*texts: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(map(ipaddress.ip_network, texts))


_LOOPBACK: Final = _networks("127.0.0.0/8", "::1/128")
_METADATA: Final = _networks("100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::/32", "fd20:ce::254/128")
"""Services of clouds that hand out credentials, as far as they are not link-local."""
_PRIVATE: Final = _networks(
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15", "fc00::/7"
)
_NEVER_4: Final = _networks(
    "0.0.0.0/8",
    "169.254.0.0/16",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
_GLOBAL_6: Final = ipaddress.IPv6Network("2000::/3")
_NEVER_6: Final = _networks("2001::/23", "2001:db8::/32", "3fff::/20")
"""Protocol assignments (Teredo among them) and documentation."""
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


def reach_of(address: str) -> Reach:
    """What kind of address this is. Raises ValueError when it is none."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return reach_of(str(found.ipv4_mapped))
        inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF) if found in _NAT64 else found.sixtofour
        if inner is not None:
            # A gateway would carry it to an IPv4 network: to the public one, or not at all.
            return "public" if reach_of(str(inner)) == "public" else "never"
    for networks, reach in _KINDS:
        if any(found.version == network.version and found in network for network in networks):
            return reach
    return "public" if found.version == 4 or found in _GLOBAL_6 else "never"


_KINDS: Final[tuple[tuple[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...], Reach], ...]] = (
    (_METADATA, "never"),
    (_LOOPBACK, "loopback"),
    (_PRIVATE, "private"),
    (_NEVER_4, "never"),
    (_NEVER_6, "never"),
)


def is_loopback(host: str) -> bool:
    """Whether a host's name or address means this machine and nothing else."""
    try:
        return reach_of(host) == "loopback"
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def allowed(host: str, *, private: bool) -> frozenset[Reach]:
    """What the addresses of this host may be: loopback for a host that says so, else public, or ``private`` too."""
    if is_loopback(host):
        return frozenset({"loopback"})
    return frozenset({"public", "private", "loopback"} if private else {"public"})


def refusal(url: str, *, private: bool) -> str | None:
    """Why an address with a literal host cannot be called, None when it can or when its host is a name."""
    try:
        host = urlsplit(url).hostname or ""
        reach = reach_of(host)
    except ValueError:
        return None
    if reach in allowed(host, private=private):
        return None
    return sentence(host, reach)


def sentence(address: str, reach: Reach) -> str:
    """Why this address is not called, and what to do."""
    if reach == "never":
        return f"{address} is link-local, reserved or a cloud's own service, and is never called"
    return f"{address} is on a private network: write allow_private: true in the connection if that is meant"


def http_parts(url: str) -> SplitResult | None:
    """The parts of an ``http://`` or ``https://`` address, None for what is none."""
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if whole else None
