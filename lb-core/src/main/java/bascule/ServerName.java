package bascule;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.jspecify.annotations.Nullable;

/// How commands name a server: `BACKEND/SERVER`. No backend has a `/` in its name; a server found by DNS has one, as in
/// `web/www.example/192.0.2.1:80`.
record ServerName(String backend, String server) {
    private static final String PLAIN = "-._~"; // Beside letters and digits: RFC 3986 §2.3.

    /// @return null if it is none
    static @Nullable ServerName parse(String text) {
        int slash = text.indexOf('/');
        if (slash <= 0 || slash == text.length() - 1) return null;
        return new ServerName(text.substring(0, slash), text.substring(slash + 1));
    }

    /// Where the admin socket has it.
    String path() {
        return "/servers/" + encoded(backend) + "/" + encoded(server);
    }

    /// Percent-encoded (RFC 3986 §2.1).
    static String encoded(String name) {
        var encoded = new StringBuilder();
        for (byte each : name.getBytes(UTF_8)) {
            char c = (char) (each & 0xff);
            boolean isPlain =
                    c >= 'a' && c <= 'z'
                            || c >= 'A' && c <= 'Z'
                            || c >= '0' && c <= '9'
                            || PLAIN.indexOf(c) >= 0;
            if (isPlain) encoded.append(c);
            else encoded.append("%%%02X".formatted((int) c));
        }
        return encoded.toString();
    }

    @Override
    public String toString() {
        return backend + "/" + server;
    }
}
