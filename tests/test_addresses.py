"""Which addresses may be called: the forms in which a private one is dressed up as a public one."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.addresses import allowed, is_loopback, reach_of, refusal

PUBLIC = ("8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1")
LOOPBACK = ("127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1")
PRIVATE = (
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.127.255.255",
    "198.18.0.1",
    "fc00::1",
    "fd12:3456::1",
    "::ffff:10.0.0.1",
    "::ffff:192.168.1.1",
)
NEVER = (
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "169.254.170.2",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::127.0.0.1",
    "::7f00:1",
    "::8.8.8.8",
    "::ffff:169.254.169.254",
    "::ffff:0.0.0.0",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a00:1::",
    "2002:a9fe:a9fe::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:db8::1",
    "3fff::1",
    "100::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fd00:ec2::254",
    "ff02::1",
    "5f00::1",
)
KINDS = [
    (address, reach)
    for addresses, reach in ((PUBLIC, "public"), (LOOPBACK, "loopback"), (PRIVATE, "private"), (NEVER, "never"))
    for address in addresses
]


@pytest.mark.parametrize(("address", "reach"), KINDS, ids=lambda value: value)
def test_every_address_is_what_it_is_however_it_is_written(address: str, reach: str) -> None:
    assert reach == reach_of(address)


@given(st.ip_addresses())
def test_nothing_passes_for_public_that_the_standard_library_knows_as_special(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if reach_of(str(address)) == "public":
        plain = getattr(address, "ipv4_mapped", None) or address
        assert plain.is_global and not plain.is_multicast


@pytest.mark.parametrize("private", [True, False])
def test_loopback_may_be_called_only_by_an_address_that_says_loopback(private: bool) -> None:
    assert {"loopback"} == allowed("localhost", private=private) == allowed("[::1]".strip("[]"), private=private)
    assert "never" not in allowed("vendor.example", private=private)
    assert private == ("loopback" in allowed("vendor.example", private=private))


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("box.localhost", True), ("127.1.2.3", True), ("::1", True), ("localhost.example", False)],
)
def test_this_machine_is_known_by_name_and_by_number(host: str, expected: bool) -> None:
    assert expected == is_loopback(host)


@pytest.mark.parametrize(
    ("url", "private", "told"),
    [
        ("https://10.0.0.5/api", False, "allow_private: true"),
        ("https://10.0.0.5/api", True, None),
        ("https://[fd12::1]:8443", False, "allow_private: true"),
        ("https://169.254.169.254/latest", True, "never called"),
        ("https://[::ffff:a9fe:a9fe]/", True, "never called"),
        ("https://8.8.8.8", False, None),
        ("https://vendor.example", False, None),
        ("http://127.0.0.1:9000", False, None),
        ("https://[", False, None),
    ],
)
def test_a_literal_address_is_judged_before_anything_is_opened(url: str, private: bool, told: str | None) -> None:
    found = refusal(url, private=private)

    assert (told is None) == (found is None)
    assert told is None or told in str(found)
