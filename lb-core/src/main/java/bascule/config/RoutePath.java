package bascule.config;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// The path of a route: written as in a URL, compared percent-decoded and dot-resolved.
final class RoutePath {
    static final Kind<String> KIND =
            new Kind<>("/PATH as in a URL, for a prefix with / at its end", RoutePath::read);

    /// A prefix, percent-encoded as it goes over the wire.
    static final Kind<String> PREFIX =
            new Kind<>(
                    "/PATH/ as in a URL",
                    text ->
                            switch (read(text)) {
                                case Kind.Read.Good<String>(String path) when path.endsWith("/") ->
                                        Kind.good(wire(path));
                                case Kind.Read.Good<String> _ -> Kind.bad("does not end in /");
                                case Kind.Read.Bad<String> bad -> bad;
                            });

    private static final int MAX_LENGTH = 4096;

    private RoutePath() {}

    private static Kind.Read<String> read(String text) {
        if (!text.startsWith("/")) return Kind.bad("does not start with /");
        if (text.length() > MAX_LENGTH) return Kind.bad("is longer than " + MAX_LENGTH);
        var segments = new ArrayList<String>();
        boolean isPrefix = false;
        for (String encoded : text.substring(1).split("/", -1)) {
            String segment;
            switch (decode(encoded)) {
                case Kind.Read.Good<String>(String value) -> segment = value;
                case Kind.Read.Bad<String> bad -> {
                    return bad;
                }
            }
            isPrefix = segment.isEmpty() || segment.equals(".") || segment.equals("..");
            if (segment.equals("..")) {
                if (segments.isEmpty()) return Kind.bad("climbs above the root");
                segments.removeLast();
            } else if (!segment.equals(".")) {
                segments.add(segment);
            }
        }
        return Kind.good(join(segments, isPrefix));
    }

    private static String join(List<String> segments, boolean isPrefix) {
        String path = "/" + String.join("/", segments);
        return isPrefix && !path.endsWith("/") ? path + "/" : path;
    }

    private static Kind.Read<String> decode(String segment) {
        byte[] in = segment.getBytes(StandardCharsets.UTF_8);
        ByteBuffer out = ByteBuffer.allocate(in.length);
        for (int i = 0; i < in.length; i++) {
            int c = in[i];
            if (c == '%') {
                int high = i + 2 < in.length ? Character.digit(in[i + 1], 16) : -1;
                int low = i + 2 < in.length ? Character.digit(in[i + 2], 16) : -1;
                if (high < 0 || low < 0) return Kind.bad("has a % without two hex digits");
                i += 2;
                c = high << 4 | low;
                if (c == '/') return Kind.bad("holds an encoded /, which no request may have");
                if (c == 0) return Kind.bad("holds a NUL, which no request may have");
            } else if (c == '?' || c == '#') {
                return Kind.bad("holds a " + (char) c + ", where a path ends");
            } else if (c >= 0 && c <= ' ' || c == 0x7f) {
                return Kind.bad("holds a blank or a control character");
            }
            out.put((byte) c);
        }
        try {
            String decoded = StandardCharsets.UTF_8.newDecoder().decode(out.flip()).toString();
            return Kind.good(decoded);
        } catch (CharacterCodingException _) {
            return Kind.bad("is not UTF-8 when decoded");
        }
    }

    /// RFC 3986 §3.3: what is no pchar is percent-encoded.
    private static String wire(String path) {
        var text = new StringBuilder();
        for (byte b : path.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            boolean isPlain =
                    c >= 'a' && c <= 'z'
                            || c >= 'A' && c <= 'Z'
                            || c >= '0' && c <= '9'
                            || "-._~!$&'()*+,;=:@/".indexOf(c) >= 0;
            if (isPlain) text.append(c);
            else text.append(String.format("%%%02X", (int) c));
        }
        return text.toString();
    }

    /// The text that reads as this path.
    static String encode(String path) {
        var text = new StringBuilder();
        for (int i = 0; i < path.length(); i++) {
            char c = path.charAt(i);
            boolean isPlain = c > ' ' && c != 0x7f && c != '%' && c != '?' && c != '#';
            if (isPlain) text.append(c);
            else text.append(String.format("%%%02X", (int) c));
        }
        return text.toString();
    }
}
