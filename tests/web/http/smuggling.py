"""Requests for who stands behind a proxy: classic ways to hide one in another, and lawful ones.

Those of `packets.py` are for who reads alone; here it counts that two read alike. What is hidden
asks for `/hidden`, and claims to have been passed on.
"""

from tests.web.http.packets import CHUNKED, WEBSOCKET, get, post

HIDDEN = get(b"/hidden", b"x-passed: claimed")

CLOSED = b"0\r\n\r\n" + HIDDEN
"""To who counts chunks a body's end and a request behind it; to who counts bytes a body."""

_ALL = b"Content-Length: %d" % len(CLOSED)
_SHORT = b"Content-Length: 4"
_OPEN = b"%x\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)
"""To who counts chunks a body; to who counts 4 bytes, not much later, a request."""

_CODINGS = [
    *(b"Transfer-Encoding: xchunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding:chunked"),
    *(b"Transfer-Encoding:\tchunked", b"Transfer-Encoding: chunked\t"),
    *(b"transfer-encoding: Chunked", b"Transfer-Encoding: \x0bchunked"),
    *(b"Transfer-Encoding: chunked\x0c", b" " + CHUNKED, b"Transfer-Encoding\x00: chunked"),
    *(b"Transfer_Encoding: chunked", b"X: y\n" + CHUNKED, b"X: y\r" + CHUNKED, b"\r" + CHUNKED),
    *(b"Transfer-Encoding:\r\n chunked", b"X: y\r\n " + CHUNKED, b"Transfer-Encoding: identity"),
    *(b"Transfer-Encoding: identity, chunked", b"Transfer-Encoding: chunked, identity"),
    *(b"Transfer-Encoding: chunked,", b"Transfer-Encoding: ,chunked", b"Transfer-Encoding: gzip"),
    *(CHUNKED + b"\r\nTransfer-Encoding: x", b"Transfer-Encoding: x\r\n" + CHUNKED),
    *(b"Transfer-Encoding:\r\n" + CHUNKED, CHUNKED + b"\r\n" + CHUNKED),
    *(b"Transfer-Encoding: 'chunked'", b"Transfer-Encoding: chunked;q=1"),
    b"Connection: Transfer-Encoding\r\n" + CHUNKED,
]

_LENGTHS = [
    *(b"+5", b"0x5", b"-5", b"5, 5", b"5,6", b"05", b"5 ", b"5\t", b" 5", b"5 6", b"5;", b"5.0"),
    *(b"", b"0", b"5e0", b"\x0b5", b"5\x00", b"1_0", b"18446744073709551621", b"\xb2", b"'5'"),
    *(b"5\r\nContent-Length: 5", b"5\r\nContent-Length: 6", b"0\r\nContent-Length: 5"),
]

_END = b"\r\n0\r\n\r\n"

_CHUNKS = [
    *(b"5;a=b\r\nhello" + _END, b"5 ; a\r\nhello" + _END, b"5;\nhello" + _END),
    *(b'5;a="\r\n0\r\n\r\n"\r\nhello' + _END, b"5;a=\rb\r\nhello" + _END),
    *(b"5;\x00\r\nhello" + _END, b"05\r\nhello" + _END, b"5 \r\nhello" + _END),
    *(b"5\r\nhello0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n", b"5\r\nhello\n0\n\n"),
    *(b"5\r\nhello\r0\r\n\r\n", b"5\r\nhello\r\n0\r\nX: y\r\n\r\n", b"5\r\nhello\r\n-0\r\n\r\n"),
    *(b"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n", b"5\r\nhello\r\n00\r\n\r\n"),
    *(b"5\r\nhello\r\n0;a\r\n\r\n", b"5\r\nhello\r\n0\r\nX : y\r\n\r\n"),
    *(b"5\r\nhello\r\n0\r\nx\r\n\r\n", b"5\r\nhello\r\n" + _END, b"0\r\n"),
    *(b"10000000000000005\r\nhello" + _END, b"5\r\nhello" + _END + b"\r\n"),
]

CLASSICS: list[tuple[str, bytes]] = [
    ("length, then chunks", post(_ALL, CHUNKED, body=CLOSED)),
    ("chunks, then length", post(CHUNKED, _ALL, body=CLOSED)),
    ("chunks, then a short length", post(CHUNKED, _SHORT, body=_OPEN)),
    ("a short length, then chunks", post(_SHORT, CHUNKED, body=_OPEN)),
    *((f"{coding!r} beside a length", post(coding, _ALL, body=CLOSED)) for coding in _CODINGS),
    *((f"{coding!r} alone", post(coding, body=CLOSED)) for coding in _CODINGS),
    *(
        (f"{coding!r} in HTTP/1.0", post(coding, _ALL, body=CLOSED, version=b"1.0"))
        for coding in _CODINGS
    ),
    *(
        (f"the length {length!r}", post(b"Content-Length: " + length, body=b"hello" + HIDDEN))
        for length in _LENGTHS
    ),
    *((f"the chunks {chunks!r}", post(CHUNKED, body=chunks + HIDDEN)) for chunks in _CHUNKS),
    ("a length in a header's name", post(b"Content-Length : 5", body=b"hello" + HIDDEN)),
    ("a length with an underscore", post(b"Content_Length: 5", body=b"hello" + HIDDEN)),
    ("a length that Connection names", post(b"Connection: Content-Length", _ALL, body=CLOSED)),
    ("no length at all", post(body=HIDDEN)),
    ("a body of GET", get(b"/hello", _ALL) + CLOSED),
    ("a body of GET in chunks", get(b"/hello", CHUNKED) + _OPEN),
    ("a body of HEAD", get(b"/hello", _ALL, method=b"HEAD") + CLOSED),
    ("a body of DELETE", get(b"/hello", _ALL, method=b"DELETE") + CLOSED),
    ("a body of OPTIONS", get(b"*", _ALL, method=b"OPTIONS") + CLOSED),
    ("a body of CONNECT", get(b"localhost:80", _ALL, method=b"CONNECT") + CLOSED),
    ("a body of TRACE", get(b"/hello", _ALL, method=b"TRACE") + CLOSED),
    ("a body of websocket", post(*WEBSOCKET, _ALL, body=CLOSED)),
    ("a body of websocket in chunks", post(*WEBSOCKET, CHUNKED, body=_OPEN)),
    ("a request behind websocket", get(b"/hello", *WEBSOCKET) + HIDDEN),
    (
        "a request behind h2c",
        get(b"/hello", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: ")
        + HIDDEN,
    ),
    ("an expectation, and no body", post(b"Expect: 100-continue", _ALL, body=HIDDEN)),
    ("an expectation of GET", get(b"/hello", b"Expect: 100-continue", _ALL) + CLOSED),
    ("an unknown expectation", post(b"Expect: x", _ALL, body=CLOSED)),
    ("two hosts", get(b"/hello", b"Host: other") + HIDDEN),
    ("two hosts that are one", get(b"/hello", b"Host: localhost") + HIDDEN),
    ("a host behind a space", b"GET /hello HTTP/1.1\r\n Host: other\r\nHost: localhost\r\n\r\n"),
    ("an absolute target of another host", get(b"http://other/hello")),
    ("an absolute target with a port", get(b"http://localhost:1/hello")),
    ("an absolute target with another scheme's port", get(b"https://localhost:80/hello")),
    ("an absolute target in capitals", get(b"HTTP://LOCALHOST/hello")),
    ("a host with a port", b"GET /hello HTTP/1.1\r\nHost: other:99\r\n\r\n"),
    ("a host in capitals", b"GET /hello HTTP/1.1\r\nHost: LOCALHOST\r\n\r\n"),
    ("a host with a user", b"GET /hello HTTP/1.1\r\nHost: other@localhost\r\n\r\n"),
    ("a host with a slash", b"GET /hello HTTP/1.1\r\nHost: localhost/other\r\n\r\n"),
    ("a host with a comma", b"GET /hello HTTP/1.1\r\nHost: localhost, other\r\n\r\n"),
    ("bare line feeds", b"GET /hello HTTP/1.1\nHost: localhost\n\n" + HIDDEN),
    ("a bare line feed in the head", b"GET /hello HTTP/1.1\r\nHost: localhost\n\r\n" + HIDDEN),
    ("an end of CR CR LF", b"GET /hello HTTP/1.1\r\nHost: localhost\r\r\n\r\n" + HIDDEN),
    ("a return in a header", get(b"/hello", b"X: y\rHost: other") + HIDDEN),
    ("a fold", get(b"/hello", b"X: y\r\n Content-Length: 5") + HIDDEN),
    ("a header of a space", get(b"/hello", b" ") + HIDDEN),
    ("a header without a colon", get(b"/hello", b"GET /hidden HTTP/1.1") + HIDDEN),
    ("a fragment", get(b"/hello#/../hidden")),
    ("a space in the target", get(b"/hello HTTP/1.1\r\nX: y", b"X: z")),
    ("two versions", b"GET /hello HTTP/1.1 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("trailing garbage", get(b"/hello") + b"xyz" * 9),
    ("trailing line ends", get(b"/hello") + b"\r\n\r\n"),
    ("a leading line end", b"\r\n" + get(b"/hello")),
    ("garbage behind a body", post(b"Content-Length: 5", body=b"hello" + b"\0" * 9)),
    ("one that passed itself on", HIDDEN),
]

LARGE = HIDDEN * 15_000
"""A megabyte, and all of it requests to who does not know that it is a body."""

LAWFUL: list[tuple[str, bytes, int, bytes]] = [
    ("GET", get(b"/hello"), 200, b"GET /hello "),
    ("a query", get(b"/hello?a=/../%2e&b"), 200, b"GET /hello?a=/../%2e&b "),
    ("escapes and slashes", get(b"//a/./b/../%2e%2F"), 200, b"GET //a/./b/../%2e%2F "),
    ("HEAD", get(b"/hello", method=b"HEAD"), 200, b""),
    ("HEAD of a stream", get(b"/stream", method=b"HEAD"), 200, b""),
    ("204", get(b"/none"), 204, b""),
    ("304", get(b"/same"), 304, b""),
    ("a stream", get(b"/stream"), 200, b"a stream"),
    ("an absolute target", get(b"http://localhost/hello"), 200, b"GET /hello "),
    ("a method of its own", get(b"/hello", method=b"PROPFIND"), 200, b"PROPFIND /hello "),
    ("DELETE", get(b"/hello", method=b"DELETE"), 200, b"DELETE /hello "),
    ("no body", post(b"Content-Length: 0"), 200, b"POST /echo "),
    ("a body", post(b"Content-Length: 5", body=b"hello"), 200, b"POST /echo hello"),
    (
        "a body in chunks",
        post(CHUNKED, body=b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX: y\r\n\r\n"),
        200,
        b"POST /echo hello",
    ),
    (
        "a body like requests",
        post(_ALL, body=CLOSED),
        200,
        b"POST /echo " + CLOSED,
    ),
    (
        "a large body",
        post(b"Content-Length: %d" % len(LARGE), body=LARGE),
        200,
        b"POST /echo " + LARGE,
    ),
    (
        "a large body in chunks",
        post(CHUNKED, body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(LARGE), LARGE)),
        200,
        b"POST /echo " + LARGE,
    ),
    ("a body that nobody reads", get(b"/hello", _ALL, method=b"PUT") + CLOSED, 200, b"PUT /hello "),
    (
        "a large body that nobody reads",
        get(b"/hello", b"Content-Length: %d" % len(LARGE), method=b"PUT") + LARGE,
        200,
        b"PUT /hello ",
    ),
    (
        "a large body that nobody reads, in chunks",
        get(b"/hello", CHUNKED, method=b"PUT") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(LARGE), LARGE),
        200,
        b"PUT /hello ",
    ),
    (
        "an expectation",
        post(b"Expect: 100-continue", b"Content-Length: 5", body=b"hello"),
        200,
        b"POST /echo hello",
    ),
    (
        "an expectation that nobody meets",
        get(b"/hello", b"Expect: 100-continue", b"Content-Length: 5", method=b"PUT") + b"hello",
        200,
        b"PUT /hello ",
    ),
    ("HTTP/1.0", get(b"/hello", version=b"1.0"), 200, b"GET /hello "),
    ("a stream for HTTP/1.0", get(b"/stream", version=b"1.0"), 200, b"a stream"),
    ("websocket", get(b"/hello", *WEBSOCKET), 200, b"GET /hello "),
]
"""Each with the status and the body that its client is to get."""
