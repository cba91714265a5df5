"""Addresses that may be called and such that may not, by what is wrong with them.

The unit tests judge them; the tests of sessions try them against a live listener.
"""

from __future__ import annotations

PUBLIC = "93.184.216.34"
PUBLIC_V6 = "2606:2800:220:1:248:1893:25c8:1946"

REFUSED_LITERALS: dict[str, list[str]] = {
    "ipv4": [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200",
        "100.127.255.255", "127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.0.1",
        "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1",
        "192.0.0.192", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.168.0.1",
        "192.168.255.255", "192.175.48.1", "198.18.0.1", "198.19.255.255", "198.51.100.7",
        "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    ],
    "ipv4 encoding": [
        "2130706433", "0x7f000001", "0X7F000001", "017700000001", "0177.0.0.1", "0x7f.0.0.1",
        "0x7f.0x0.0x0.0x1", "127.1", "127.0.1", "0", "0x0", "0x", "00.0.0.0", "127.0.0.01",
        "0127.0.0.1", "127.000.000.001", "127.0.0.1.", "2852039166", "0xa9fea9fe",
        "169.254.43518", "①②⑦.⓪.⓪.①", "１２７.０.０.１", "127。0。0。1", "127．0．0．1",
        "93.184.216.034", "256.256.256.256", "1.2.3.4.5", "1.2.3", "93.184.55330", "example.0x7f",
        "example.1", "127.0.0.1.nip.io.1",
    ],
    "ipv6": [
        "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]", "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]", "[::ffff:169.254.169.254]", "[::ffff:10.0.0.1]",
        "[::ffff:168.63.129.16]", "[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::8.8.8.8]",
        "[64:ff9b:1::1]", "[100::1]", "[fc00::1]", "[fd00:ec2::254]", "[fe80::1]",
        "[fe80::1%25eth0]", "[fe80::1%eth0]", "[2606:4700::1111%251]", "[fec0::1]",
        "[feff::1]", "[ff02::1]", "[5f00::1]", "[4000::1]", "[e000::1]", "[2001::1]",
        "[2001:2::1]", "[2001:10::1]", "[2001:20::1]", "[2001:db8::1]", "[2002:7f00:1::]",
        "[2620:4f:8000::1]", "[3fff::1]", "[3fff:fff:ffff::1]", "[1fff::1]", "[::2]",
        "[v1.fe80::a]", "[127.0.0.1]", "[]", "[::1", "::1]", "[::1].example.com", "[g::1]",
        "[2606:4700::1111]x",
    ],
    "name": [
        "localhost", "LOCALHOST", "localhost.", "foo.localhost", "localhost.localdomain",
        "metadata.google.internal", "metadata", "router.lan", "printer.local", "db.home.arpa",
        "x.in-addr.arpa", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
        "a.corp", "a.home", "a.intranet", "a.private", "a.test", "a.invalid", "a.example",
        "a.onion", "a.alt", "intranet", "redis", "com", "com.", "example.com..", ".example.com",
        "example..com", "-a.example.com", "a-.example.com", "exa mple.com", "exa%6dple.com",
        "%31%32%37.0.0.1", "*.example.com", "a" * 64 + ".com", "a." * 130 + "com",
        "xn--a.com", "xn--.com", "ex!ample.com", "ex'ample.com", "exa,mple.com", "a;b.com",
        "a\u200bb.local", "ⓛocalhost", "localhoſt", ".", "..",
    ],
}  # fmt: skip
REFUSED_URLS: dict[str, list[str]] = {
    "scheme": [
        "", "example.com", "//example.com/", "/path", "file:///etc/passwd", "ftp://example.com/",
        "gopher://example.com/", "http://example.com/", "HTTP://example.com/", "httpss://a.com/",
        "data:text/plain,x", "javascript:alert(1)", "https:example.com", "https:/example.com",
        "https:///example.com", "https://", "https://?x", "https://:443/", "ws://example.com/",
        "unix:///var/run/docker.sock", "dict://example.com:11211/", "https//example.com",
        "concat:https://example.com/|file:///etc/passwd", " https://example.com/",
    ],
    "parser": [
        "https://user@example.com/", "https://user:secret@example.com/", "https://@example.com/",
        "https://example.com@127.0.0.1/", "https://127.0.0.1@example.com/",
        "https://example.com#@127.0.0.1/", "https://example.com/#x", "https://example.com/#",
        "https://example.com\\@127.0.0.1/", "https://127.0.0.1\\.example.com/",
        "https:\\\\example.com/", "https://example.com/\\..\\", "https://exa\tmple.com/",
        "https://example.com/\r\nX-Injected: 1", "https://example.com/a b",
        "https://example.com/\x00", "https://example.com\x00.evil.com/", "https://example.com/\x7f",
        "https://example.com/\u2028", "https://exam\u00adple.com/\u00a0", "https://example.com%2f@x/",
        "https://example.com%00.evil.com/", "https://example.com,127.0.0.1/",
        "https://example.com:443:80/", "https://[2606:4700::1111]@127.0.0.1/",
        "https://example.com/" + "a" * 8192, "https://a.com&@127.0.0.1/", "https://a.com ?@b.com/",
        "https://exa\ud800mple.com/",
    ],
    "port": [
        "https://example.com:0/", "https://example.com:00443/", "https://example.com:/",
        "https://example.com:22/", "https://example.com:25/", "https://example.com:80/",
        "https://example.com:442/", "https://example.com:444/", "https://example.com:1023/",
        "https://example.com:65536/", "https://example.com:99999999999/", "https://example.com:-1/",
        "https://example.com:+443/", "https://example.com:4 43/", "https://example.com:443a/",
        "https://example.com:０443/", "https://example.com:٤٤٣/", "https://example.com:2049/",
        "https://example.com:6000/", "https://example.com:6667/", "https://example.com:10080/",
        "https://example.com:5060/", "https://93.184.216.34:22/", "https://[2606:4700::1111]:22/",
    ],
}  # fmt: skip
REFUSED_ANSWERS: dict[str, list[tuple[str, ...]]] = {
    "rebind": [
        ("127.0.0.1",), ("10.0.0.1",), ("169.254.169.254",), ("168.63.129.16",), ("0.0.0.0",),
        ("::1",), ("::ffff:127.0.0.1",), ("fd00::1",), ("fec0::1",), ("64:ff9b::7f00:1",),
        (PUBLIC, "127.0.0.1"), ("127.0.0.1", PUBLIC), (PUBLIC, PUBLIC_V6, "::1"),
        (PUBLIC_V6, "10.0.0.1"), (PUBLIC, "192.168.1.1", PUBLIC), ("fe80::1%eth0",),
        (f"{PUBLIC_V6}%1",), ("not an address",),
    ],
}  # fmt: skip
ACCEPTED = [
    ("https://example.com", "https://example.com/"),
    ("https://example.com/", "https://example.com/"),
    ("HTTPS://EXAMPLE.com/Path?Q=1", "https://example.com/Path?Q=1"),
    ("https://example.com?x=1", "https://example.com/?x=1"),
    ("https://example.com:443/", "https://example.com/"),
    ("https://example.com:8443/hook", "https://example.com:8443/hook"),
    ("https://example.com:1024/", "https://example.com:1024/"),
    ("https://example.com:65535/", "https://example.com:65535/"),
    ("https://example.com./x", "https://example.com/x"),
    ("https://sub.domain.example.co.uk/", "https://sub.domain.example.co.uk/"),
    ("https://my_host.example.com/", "https://my_host.example.com/"),
    ("https://1.2.3.example.com/", "https://1.2.3.example.com/"),
    ("https://123.com/", "https://123.com/"),
    ("https://bücher.example.com/", "https://xn--bcher-kva.example.com/"),
    ("https://BÜCHER.example.com/", "https://xn--bcher-kva.example.com/"),
    ("https://xn--bcher-kva.example.com/", "https://xn--bcher-kva.example.com/"),
    ("https://例え.テスト.com/", "https://xn--r8jz45g.xn--zckzah.com/"),
    ("https://example。com/", "https://example.com/"),
    ("https://93.184.216.34/", "https://93.184.216.34/"),
    ("https://8.8.8.8:8443/", "https://8.8.8.8:8443/"),
    ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
    ("https://[2606:4700:0:0::1111]:8443/x", "https://[2606:4700::1111]:8443/x"),
    ("https://[::ffff:8.8.8.8]/", "https://[::ffff:808:808]/"),
    ("https://example.com/a%20b%2Fc", "https://example.com/a%20b%2Fc"),
    ("https://example.com/@user", "https://example.com/@user"),
    ("https://example.com/?u=https://127.0.0.1/", "https://example.com/?u=https://127.0.0.1/"),
    ("https://example.com/视频.mp4", "https://example.com/视频.mp4"),
    ("https://localhost.example.com/", "https://localhost.example.com/"),
    ("https://internal.example.com/", "https://internal.example.com/"),
    ("https://mega-api-prod.nemovideo.ai/run_sse", "https://mega-api-prod.nemovideo.ai/run_sse"),
    ("https://bucket.s3.amazonaws.com/k?X-Amz-Signature=ab", "https://bucket.s3.amazonaws.com/k?X-Amz-Signature=ab"),
]  # fmt: skip
EDGES_ACCEPTED = [
    "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
    "128.0.0.0", "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0",
    "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0", "192.167.255.255",
    "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2001:200::1",
    "2003::1", "2400:cb00::1", "2620:4f:7fff::1", "3ffe::1", "2a00:1450:4001::1",
]  # fmt: skip

REFUSED_CASES = [
    *((kind, f"https://{host}/") for kind, hosts in REFUSED_LITERALS.items() for host in hosts),
    *((kind, url) for kind, urls in REFUSED_URLS.items() for url in urls),
]
