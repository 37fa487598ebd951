"""Packets that ended the process, or could be understood in two ways, in this server or in others.

A corpus: what once did harm stays here. It is for a service with `GET /hello` and `POST /echo`.
"""

HELLO = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"


def get(target: bytes, *lines: bytes, version: bytes = b"1.1", method: bytes = b"GET") -> bytes:
    head = [b"%s %s HTTP/%s" % (method, target, version), b"Host: localhost", *lines]
    return b"\r\n".join(head) + b"\r\n\r\n"


def post(*lines: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    return get(b"/echo", *lines, method=b"POST", version=version) + body


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"
UPGRADE = b"Connection: Upgrade, HTTP2-Settings"
WEBSOCKET = (
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)

PACKETS: list[tuple[str, bytes, int | None]] = [
    (
        "h2c with broken settings",
        get(b"/hello", UPGRADE, b"Upgrade: h2c", b"HTTP2-Settings: AAAA"),
        200,
    ),
    ("h2c with settings", get(b"/hello", UPGRADE, b"Upgrade: h2c", b"HTTP2-Settings: "), 200),
    ("HTTP/2 prior knowledge", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 64, 505),
    ("HTTP/2 in the request line", get(b"/hello", version=b"2.0"), 505),
    ("HTTP/0.9", b"GET /hello\r\n\r\n", 400),
    ("websocket", get(b"/hello", *WEBSOCKET), 200),
    ("websocket with trailing bytes", get(b"/hello", *WEBSOCKET) + b"\x81\x85" * 40, 200),
    ("websocket without a key", get(b"/hello", *WEBSOCKET[:2]) + b"\xff", 200),
    ("CONNECT", get(b"example:443", method=b"CONNECT"), 400),
    ("CONNECT to a path", get(b"/hello", method=b"CONNECT"), 400),
    ("CONNECT without a target", get(b"", method=b"CONNECT"), 400),
    ("an asterisk", get(b"*", method=b"OPTIONS"), 204),
    ("an asterisk to another method", get(b"*"), 400),
    ("an absolute target", get(b"http://localhost/hello"), 200),
    ("an absolute target without a path", get(b"http://localhost"), 404),
    ("an absolute target with a user", get(b"http://me@localhost/hello"), 400),
    ("an absolute target without a host", get(b"http:///hello"), 400),
    ("an absolute target of another scheme", get(b"ftp://localhost/hello"), 400),
    ("an absolute target with a host that is none", get(b"http://a..b/hello"), 400),
    ("a target that is only a query", get(b"?x=1"), 400),
    ("a target without a slash", get(b"hello"), 400),
    ("a target that is not ASCII", get("/hällo".encode()), 400),
    ("a target of bytes", get(b"/\xff\xfe"), 400),
    ("an escaped target that is not UTF-8", get(b"/%ff%fe%c3%28"), 404),
    ("an escaped NUL", get(b"/%00"), 404),
    ("a broken escape", get(b"/%zz%"), 404),
    ("a query that is not UTF-8", get(b"/hello?%ff=%fe&&=&;"), 200),
    ("two slashes", get(b"//hello"), None),
    ("a long target", get(b"/" + b"a" * 15_000), 404),
    ("a head that is too large", get(b"/hello", b"X: " + b"x" * 200_000), 431),
    ("a host that is not ASCII", b"GET /hello HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n", 400),
    ("a host with an empty label", b"GET /hello HTTP/1.1\r\nHost: local..t\r\n\r\n", 400),
    ("a host that begins with a dot", b"GET /hello HTTP/1.1\r\nHost: .local\r\n\r\n", 400),
    ("a host with a long label", b"GET /hello HTTP/1.1\r\nHost: " + b"a" * 64 + b"\r\n\r\n", 400),
    ("an empty host", b"GET /hello HTTP/1.1\r\nHost:\r\n\r\n", 200),
    ("a host like a URL", b"GET /hello HTTP/1.1\r\nHost: http://[::1\r\n\r\n", 400),
    ("no host", b"GET /hello HTTP/1.1\r\n\r\n", 400),
    ("two hosts", get(b"/hello", b"Host: evil.example"), 400),
    ("HTTP/1.0 without a host", b"GET /hello HTTP/1.0\r\n\r\n", 200),
    ("length and chunks", post(b"Content-Length: 3", b"Transfer-Encoding: chunked"), 400),
    ("two lengths", post(b"Content-Length: 3", b"Content-Length: 4"), 400),
    ("a list of lengths", post(b"Content-Length: 3, 4"), 400),
    ("a negative length", post(b"Content-Length: -1"), 400),
    ("a signed length", post(b"Content-Length: +3"), 400),
    ("a length beyond all", post(b"Content-Length: " + b"9" * 40), 400),
    ("chunks in HTTP/1.0", post(b"Transfer-Encoding: chunked", version=b"1.0"), 400),
    ("another coding", post(b"Transfer-Encoding: gzip, chunked"), 501),
    ("two codings", post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"), 400),
    ("a broken chunk", post(b"Transfer-Encoding: chunked", body=b"zz\r\nabc\r\n"), 400),
    (
        "a broken chunk that nobody reads",
        get(b"/hello", b"Transfer-Encoding: chunked") + b"z\r\n",
        400,
    ),
    ("an endless chunk size", post(b"Transfer-Encoding: chunked", body=b"f" * 30_000), 400),
    (
        "an endless chunk extension",
        post(b"Transfer-Encoding: chunked", body=b"1;" + b"f" * 30_000),
        431,
    ),
    (
        "endless trailers",
        post(b"Transfer-Encoding: chunked", body=b"0\r\n" + b"X: y\r\n" * 5_000),
        431,
    ),
    ("an unknown expectation", post(b"Expect: miracles", b"Content-Length: 1", body=b"x"), 200),
    ("an odd content type", post(b"Content-Type: multipart/form-data"), 200),
    ("a space before the colon", get(b"/hello", b"X : y"), 400),
    ("a folded header", get(b"/hello", b"X: a\r\n b"), 400),
    ("a folded first header", b"GET /hello HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n", 400),
    ("a NUL in a header", get(b"/hello", b"X: \0"), 400),
    ("a TLS greeting", bytes.fromhex("16030100f5010000f10303") + b"\xaa" * 40 + b"\r\n\r\n", 400),
    ("binary", bytes(range(256)) * 8 + b"\r\n\r\n", 400),
    (
        "h2c with settings that are no base64",
        get(b"/hello", UPGRADE, b"Upgrade: h2c", b"HTTP2-Settings: ="),
        200,
    ),
    (
        "h2c with half a setting",
        get(b"/hello", UPGRADE, b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"),
        200,
    ),
    (
        "h2c twice",
        get(b"/hello", UPGRADE, b"Upgrade: h2c", b"Upgrade: h2c", b"HTTP2-Settings: "),
        200,
    ),
    ("h2c without settings", get(b"/hello", b"Connection: Upgrade", b"Upgrade: h2c"), 200),
    (
        "h2c with frames behind",
        get(b"/hello", UPGRADE, b"Upgrade: h2c", b"HTTP2-Settings: ") + PREFACE,
        200,
    ),
    ("HTTP/2 prior knowledge with settings", PREFACE + bytes.fromhex("000000040000000000"), 505),
    ("half of HTTP/2's preface", PREFACE[:18], 505),
    ("TRACE", get(b"/hello", method=b"TRACE"), 405),
    ("a method of its own", get(b"/hello", method=b"BREW"), 501),
    ("a method in lower case", get(b"/hello", method=b"get"), 501),
    ("a method of another protocol", get(b"/hello", method=b"SETUP"), 400),
    ("another protocol", b"SETUP /hello RTSP/1.0\r\n\r\n", 400),
    ("a version that does not exist", get(b"/hello", version=b"1.2"), 505),
    ("a version in lower case", b"GET /hello http/1.1\r\nHost: localhost\r\n\r\n", 400),
    ("a NUL in the target", get(b"/hel\0lo"), 400),
    ("a tab in the target", get(b"/hel\tlo"), 400),
    ("bare line feeds", b"GET /hello HTTP/1.1\nHost: localhost\n\n", 400),
    ("a bare line feed before the end of the head", b"GET /hello HTTP/1.1\n", 400),
    ("half a head", HELLO[:-2], 400),
    ("an empty line first", b"\r\n" + HELLO, 400),
    ("two empty lines first", b"\r\n\r\n" + HELLO, 400),
    ("only line ends", b"\r\n" * 1_000 + get(b"/hello"), 400),
]


def chunks(body: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked", body=body)


AMBIGUOUS: list[tuple[str, bytes]] = [
    ("length, then chunks", post(b"Content-Length: 5", CHUNKED, body=b"0\r\n\r\n")),
    ("chunks, then length", post(CHUNKED, b"Content-Length: 5", body=b"0\r\n\r\n")),
    ("chunks behind a tab, and length", post(b"Transfer-Encoding:\tchunked", b"Content-Length: 5")),
    (
        "chunks behind a bare line feed",
        post(b"X: y\nTransfer-Encoding: chunked", b"Content-Length: 5"),
    ),
    (
        "chunks behind a bare return",
        post(b"X: y\rTransfer-Encoding: chunked", b"Content-Length: 5"),
    ),
    ("a space before the colon of chunks", post(b"Transfer-Encoding : chunked")),
    ("a vertical tab before chunked", post(b"Transfer-Encoding: \x0bchunked")),
    ("a letter before chunked", post(b"Transfer-Encoding: xchunked")),
    ("quoted chunked", post(b'Transfer-Encoding: "chunked"')),
    ("chunked and more", post(b"Transfer-Encoding: chunked, identity")),
    ("chunked twice", post(b"Transfer-Encoding: chunked, chunked")),
    ("chunked and a second line", post(CHUNKED, b"Transfer-Encoding: x")),
    ("an empty coding", post(b"Transfer-Encoding: ")),
    ("chunks in HTTP/1.0", post(CHUNKED, version=b"1.0")),
    ("chunks in a header with a NUL", post(b"Transfer-Encoding: chunked\0")),
    *(
        (f"the length {length!r}", post(b"Content-Length: " + length, body=b"abc"))
        for length in (b"+3", b"-3", b"0x3", b"3 3", b"3, 4", b"1_0", b"3.0", b"3;", b"", b"\xb3")
    ),
    ("two lengths", post(b"Content-Length: 3", b"Content-Length: 5", body=b"abc")),
    *(
        (f"the chunk {chunk!r}", post(CHUNKED, body=chunk + b"0\r\n\r\n"))
        for chunk in (
            *(b"0x3\r\nabc\r\n", b"+3\r\nabc\r\n", b"-3\r\nabc\r\n", b" 3\r\nabc\r\n"),
            *(b"3\nabc\r\n", b"3\rabc\r\n", b"3;x\nabc\r\n", b"3\r\nabcd\r\n", b"3\r\nabcXX"),
            *(b"1_0\r\nabc\r\n", b"\r\nabc\r\n", b"3\r\nabc\n", b"g\r\nabc\r\n"),
            b"f" * 21 + b"\r\nabc\r\n",
        )
    ),
    ("two spaces in the request line", b"POST  /echo HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("a tab in the request line", b"POST /echo\tHTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("a space behind the request line", b"POST /echo HTTP/1.1 \r\nHost: localhost\r\n\r\n"),
    ("two hosts", get(b"/hello", b"Host: localhost")),
    ("two hosts in one header", b"GET /hello HTTP/1.1\r\nHost: localhost,evil.example\r\n\r\n"),
    ("a host that ends with a comma", b"GET /hello HTTP/1.1\r\nHost: localhost,\r\n\r\n"),
    ("a fragment", get(b"/hello#x")),
    ("a fragment that is a query to others", get(b"/hello?x#/y")),
    ("a header without a name", get(b"/hello", b": x")),
    ("a header without a colon", get(b"/hello", b"x")),
    ("a header with a space in its name", get(b"/hello", b"Content Length: 5")),
]
"""What two readers could split in two ways; whatever follows must not be taken for a request."""
