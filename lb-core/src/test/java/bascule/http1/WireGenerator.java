package bascule.http1;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/// Random heads and bodies: about half are good, most others have one thing wrong, some are noise.
final class WireGenerator {
    private static final String[] METHODS = {
        "GET",
        "GET",
        "GET",
        "POST",
        "POST",
        "PUT",
        "HEAD",
        "DELETE",
        "OPTIONS",
        "PATCH",
        "QUERY",
        "get",
        "M-SEARCH"
    };
    private static final String[] ODD_METHODS = {
        "",
        "TRACE",
        "CONNECT",
        "G(T",
        "GET\t",
        "PRI",
        "A".repeat(32),
        "A".repeat(33),
        "A".repeat(70),
        "\u00e9",
        "GET\0",
        "OPTION"
    };
    private static final String[] SEGMENTS = {
        "a",
        "b",
        "index.html",
        ".well-known",
        "%41",
        "%c3%a9",
        "a%20b",
        "",
        "x;v=1",
        "...",
        "~u",
        "%25",
        "a.b",
        "%2E"
    };
    private static final String[] ODD_SEGMENTS = {
        ".",
        "..",
        "%2e%2E",
        ".%2e",
        "%2F",
        "%2f",
        "%00",
        "%5c",
        "\\",
        "%",
        "%4",
        "%zz",
        "..;",
        ".;x",
        "..%3bx",
        "#",
        "\u00e9",
        "\"",
        "<",
        "{",
        "|",
        "a\tb",
        "%2e%2e%2f",
        "%c0%af",
        "..."
    };
    private static final String[] HOSTS = {
        "a",
        "example.com",
        "EXAMPLE.com",
        "a.b.c:8080",
        "[::1]",
        "[2001:db8::1]:443",
        "10.0.0.1:80",
        "example.com.",
        "my_app",
        "xn--bcher-kva.example",
        "[::ffff:1.2.3.4]",
        "a:80",
        "a:443"
    };
    private static final String[] ODD_HOSTS = {
        "",
        ":80",
        "a:",
        "a:0",
        "a:65536",
        "a:1x",
        "a:123456",
        "user@a",
        "a b",
        "a,b",
        "a..b",
        ".a",
        "[::1",
        "::1",
        "[]",
        "[1:2:3:4:5:6:7:8:9]",
        "[::1%25eth0]",
        "[1::2::3]",
        "[v1.x]",
        "a/b",
        "a%41",
        "\u00e9.example",
        "[::1]a",
        "a:80:80",
        "[1:2:3:4:5:6:7::]",
        "[:1:2:3:4:5:6:7]",
        "[::1.2.3]",
        "[1.2.3.4]",
        "[::01.2.3.4]",
        "[12345::]",
        "a\\b",
        "."
    };
    private static final String[] FIELDS = {
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64)",
        "Accept: */*",
        "Accept-Language: de,en;q=0.5",
        "Cookie: a=b; c=d",
        "X-Forwarded-For: 1.2.3.4",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: a",
        "Forwarded: for=1.2.3.4",
        "Via: 1.1 x",
        "X-Request-ID: 17",
        "X_Request_ID: 18",
        "x-forwarded_Proto: https",
        "X_Client-Cert_Subject: CN=a",
        "X-Client-Cert-Fingerprint: 00",
        "Content_Length: 7",
        "Connection: X_Request_ID, x-forwarded-proto",
        "Connection: keep-alive",
        "Connection: close",
        "Connection: Keep-Alive, Upgrade",
        "Connection: upgrade",
        "Connection: TE",
        "Connection: x-mine, Foo",
        "connection: CLOSE",
        "Connection: host, cookie",
        "Connection: foo,,bar , ",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "TE: trailers",
        "TE: gzip;q=0.5, trailers",
        "TE: trailers;q=0",
        "Trailer: Digest",
        "Upgrade: websocket",
        "Upgrade: h2c",
        "Upgrade: websocket, h2c",
        "Upgrade: foo/1.2",
        "Upgrade: \"x\"",
        "Upgrade:",
        "HTTP2-Settings: AAMAAABkAAQAAP__",
        "Expect: 100-continue",
        "Expect: 200-ok",
        "Expect: 100-Continue, x",
        "Foo: bar",
        "X-Mine: 1",
        "Empty:",
        "Blank:  \t ",
        "Tab:\ta\tb\t",
        "High: \u00e9\u00ff",
        "x-request-ip: 1",
        "content-lengthx: 1",
        "Content-Lengti: 5",
        "Hosts: a",
        "Content-Length: 0",
        "Content-Length: 5",
        "Content-Length: 5",
        "content-length: 05",
        "Transfer-Encoding: chunked",
        "transfer-encoding: CHUNKED",
        "Sec-WebSocket-Key: x",
        "Bar: 1",
        "Authorization: Basic eDp5",
        "Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    };
    private static final String[] ODD_FIELDS = {
        "Host: a",
        "Host: other",
        "Content-Length: +5",
        "Content-Length: -1",
        "Content-Length: 5, 5",
        "Content-Length: 5 5",
        "Content-Length:",
        "Content-Length: 9223372036854775807",
        "Content-Length: 9223372036854775808",
        "Content-Length: 18446744073709551621",
        "Content-Length: 99999999999999999999",
        "Content-Length: 0x5",
        "Content-Length: 6",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding:",
        "Transfer-Encoding: chunked;x",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: \"chunked\"",
        "Name : value",
        " folded",
        "\tfolded",
        ": empty",
        "No-colon",
        "N\u00e4me: x",
        "Na(me: x",
        "Nul: a\0b",
        "Cr: a\rb",
        "Lf: a\nb",
        "Del: \u007f",
        "Esc: \u001b[0m",
        "Connection: a b",
        "Connection: \"close\"",
        "Connection: close;x",
        "Content_Length: 7",
        "Transfer_Encoding: chunked",
        "Transfer-Encoding : chunked",
        "Vt: \u000b",
        "Connection: keep-alive, close",
        "Host : a",
        "Connection: " + "x,".repeat(33),
        "Connection: host",
        "Connection: content-length, transfer-encoding"
    };
    private static final String[] STATUS_LINES = {
        "HTTP/1.1 200 OK", "HTTP/1.1 200 OK", "HTTP/1.0 200 OK", "HTTP/1.1 204 No Content",
                "HTTP/1.1 304 Not Modified",
        "HTTP/1.1 101 Switching Protocols", "HTTP/1.1 100 Continue", "HTTP/1.1 103 Early Hints",
                "HTTP/1.1 404 ", "HTTP/1.1 500",
        "HTTP/1.1 599 \u00e9", "HTTP/1.1 206 a\tb"
    };
    private static final String[] ODD_STATUS_LINES = {
        "HTTP/2.0 200 OK",
        "HTTP/1.2 200 OK",
        "http/1.1 200 OK",
        "HTTP/1.1  200 OK",
        "HTTP/1.1 099 x",
        "HTTP/1.1 600 x",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 200OK",
        "HTTP/1.1 200\tOK",
        "HTTP/1.1 200 O\0K",
        "HTTP/1.1 200 O\rK",
        "ICY 200 OK",
        "HTTP/1.1 2x0 OK",
        "",
        "\r\nHTTP/1.1 200 OK",
        "HTTP/1.1\t200 OK",
        " HTTP/1.1 200 OK"
    };

    private static final String[] EXTENSIONS = {
        ";a",
        ";a=b",
        ";a=\"b\"",
        ";a;b;c=d",
        " ; a = b",
        ";a=\"\\\"\\\\;\"",
        ";a=\"\"",
        ";a=\"\u00e9\tx\"",
        "\t;a"
    };
    private static final String[] ODD_EXTENSIONS = {
        ";",
        ";=",
        ";a=",
        ";a=\"",
        ";a=\"\n\"",
        ";a=\"\\\"",
        ";a=b c",
        "a",
        " a",
        ";a=\"b\"c",
        ";\0",
        ";a=\rb",
        ";a=b ",
        ";a ",
        ";" + "a".repeat(253),
        ";" + "a".repeat(251),
        ";\u00e9",
        ";a=\"\u007f\"",
        ";a==b",
        ";a;",
        ";\n"
    };
    private static final String[] TRAILERS = {
        "Digest: x",
        "Content-Digest: sha-256=:x:",
        "grpc-status: 0",
        "ETag: \"x\"",
        "X: \ta\u00e9",
        "Y:",
        "Server-Timing: a"
    };

    private final Random random;

    WireGenerator(long seed) {
        random = new Random(seed);
    }

    String request() {
        boolean current = chance(85);
        boolean clean = chance(50); // All good but for what good parts say of each other.
        String method = clean || chance(95) ? any(METHODS) : any(ODD_METHODS);
        String host = clean || chance(95) ? any(HOSTS) : any(ODD_HOSTS);
        StringBuilder head = new StringBuilder();
        if (chance(3))
            head.append(clean || chance(50) ? "\r\n" : any("\r", "\n", "\r\n\r\n", "\r\r\n", " "));
        head.append(method)
                .append(gap(clean))
                .append(target(method, host, clean))
                .append(gap(clean));
        if (clean || chance(97)) head.append(current ? "HTTP/1.1" : "HTTP/1.0");
        else
            head.append(
                    any(
                            "HTTP/2.0",
                            "HTTP/0.9",
                            "http/1.1",
                            "HTTP/1.10",
                            "HTTP/1",
                            "HTTP/1.1 ",
                            "HTTP/11",
                            "",
                            "HTTP/01.1"));
        head.append(lineEnd(clean));
        List<String> lines = new ArrayList<>();
        if (clean || chance(97))
            lines.add(any("Host: ", "Host: ", "Host:", "host: ", "HOST:\t") + host);
        fields(head, lines, clean);
        return spoilt(head, clean);
    }

    String response() {
        boolean clean = chance(50);
        StringBuilder head =
                new StringBuilder(clean || chance(90) ? any(STATUS_LINES) : any(ODD_STATUS_LINES));
        head.append(lineEnd(clean));
        fields(head, new ArrayList<>(), clean);
        return spoilt(head, clean);
    }

    String path(boolean clean) {
        StringBuilder path = new StringBuilder();
        int segments = random.nextInt(5);
        for (int i = 0; i <= segments; i++)
            path.append('/').append(clean || chance(80) ? any(SEGMENTS) : any(ODD_SEGMENTS));
        return path.toString();
    }

    String host() {
        if (chance(30)) return any(HOSTS);
        if (chance(50)) return any(ODD_HOSTS);
        StringBuilder address = new StringBuilder("[");
        int parts = random.nextInt(11);
        for (int i = 0; i < parts; i++)
            address.append(
                    any("1", "ab", "FFFF", ":", ":", "::", ":", "1.2.3.4", "0", "g", "12345"));
        return address.append(chance(95) ? "]" : "").append(chance(20) ? ":80" : "").toString();
    }

    String chunks() {
        boolean clean = chance(50);
        StringBuilder body = new StringBuilder();
        boolean talkative = chance(1); // Far more framing than payload.
        int chunks = talkative ? 60 + random.nextInt(20) : random.nextInt(5);
        for (int i = 0; i < chunks; i++) {
            StringBuilder data = new StringBuilder();
            int length = 1 + random.nextInt(chance(5) ? 400 : 20);
            while (data.length() < length)
                data.append(any("a", "b", "0\r\n\r\n", "\r\n", "\n", "\0", "\u00e9"));
            body.append(size(data.length(), clean));
            if (talkative) body.append(";a=").append("x".repeat(240));
            else if (chance(30))
                body.append(clean || chance(80) ? any(EXTENSIONS) : any(ODD_EXTENSIONS));
            body.append(lineEnd(clean)).append(data).append(lineEnd(clean));
        }
        body.append(any("0", "0", "000"))
                .append(chance(10) ? any(EXTENSIONS) : "")
                .append(lineEnd(clean));
        int trailers = chance(70) ? 0 : random.nextInt(6);
        for (int i = 0; i < trailers; i++)
            body.append(clean || chance(80) ? any(TRAILERS) : any(FIELDS)).append(lineEnd(clean));
        body.append(lineEnd(clean));
        return spoilt(body, clean);
    }

    private String size(int size, boolean clean) {
        if (!clean && chance(5))
            return any(
                    "",
                    "-1",
                    "+5",
                    "0x5",
                    "8000000000000000",
                    "10000000000000005",
                    "7fffffffffffffff",
                    "fffffffffffffffff",
                    " 5",
                    "5 ",
                    "5\t",
                    "g",
                    "0".repeat(255) + "5",
                    "0".repeat(252) + "5");
        String digits = Integer.toHexString(size);
        return chance(80) ? digits : any("", "0", "00000") + digits.toUpperCase(Locale.ROOT);
    }

    private String target(String method, String host, boolean clean) {
        if (method.equals("OPTIONS") && chance(50) || !clean && chance(1)) return "*";
        String query = chance(30) ? any("?", "?a=b", "?a=%zz&b=../..", "?/../x", "??", "?\\") : "";
        String path =
                chance(2)
                        ? any("/a/../b", "/./", "/a/./b/..", "/..a/b..", "/a/%2e%2e/%2E/")
                        : path(clean);
        if (chance(8)) {
            String scheme =
                    clean || chance(95)
                            ? any("http://", "http://", "https://", "HTTP://")
                            : any("ftp://", "http:/", "http:", "//");
            String authority =
                    clean || chance(80) ? host : chance(50) ? any(HOSTS) : any(ODD_HOSTS);
            return scheme + authority + (chance(80) ? path : "") + query;
        }
        if (!clean && chance(3))
            return any(
                    "",
                    "a",
                    "*",
                    "?x",
                    "/\u00e9",
                    "/a#b",
                    "/ ",
                    "host:80",
                    "http",
                    "/?\u00e9",
                    "/?#");
        return path + query;
    }

    private void fields(StringBuilder head, List<String> lines, boolean clean) {
        int count = random.nextInt(8);
        for (int i = 0; i < count; i++)
            lines.add(clean || chance(93) ? any(FIELDS) : any(ODD_FIELDS));
        if (chance(50)) Collections.shuffle(lines, random);
        for (String line : lines) head.append(line).append(lineEnd(clean));
        head.append(lineEnd(clean));
    }

    private String gap(boolean clean) {
        return clean || chance(98) ? " " : any("  ", "", "\t", "\u000b", "\u00a0");
    }

    private String lineEnd(boolean clean) {
        return clean || chance(99)
                ? "\r\n"
                : any("\n", "\r", "\r\r\n", "\n\r", "\0\r\n", "", "\r\n ", "\r\n\r\n");
    }

    private String spoilt(StringBuilder head, boolean clean) {
        int mutations = clean || chance(60) ? 0 : 1 + random.nextInt(3);
        for (int i = 0; i < mutations && !head.isEmpty(); i++) {
            int at = random.nextInt(head.length());
            switch (random.nextInt(5)) {
                case 0 -> head.setCharAt(at, (char) random.nextInt(256));
                case 1 -> head.insert(at, (char) random.nextInt(256));
                case 2 -> head.deleteCharAt(at);
                case 3 ->
                        head.insert(
                                at,
                                head.substring(
                                        at, Math.min(head.length(), at + random.nextInt(20))));
                default -> head.setCharAt(at, "\r\n\t :,;%/.\\\0#?@[]".charAt(random.nextInt(17)));
            }
        }
        if (chance(5)) head.setLength(random.nextInt(head.length() + 1));
        if (chance(20)) head.append(any("GET / HTTP/1.1\r\n", "hello", "\r\n", "\0"));
        return head.toString();
    }

    private String any(String... choices) {
        return choices[random.nextInt(choices.length)];
    }

    int below(int bound) {
        return random.nextInt(bound);
    }

    private boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }
}
