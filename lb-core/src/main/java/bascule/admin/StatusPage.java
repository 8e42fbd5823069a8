package bascule.admin;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/// The page for people, at `/`: one document, `page.html` beside this class, that asks `/status` again and again. A browser runs its
/// own script and its own style, known by their hashes, and nothing else: a name in the configuration that is markup stays text.
final class StatusPage {
    static final Pages.Page PAGE = load();

    private StatusPage() {}

    private static Pages.Page load() {
        try (InputStream in = StatusPage.class.getResourceAsStream("page.html")) {
            if (in == null) throw new IllegalStateException("page.html is not in the jar");
            byte[] body = in.readAllBytes();
            return new Pages.Page(
                    200, "text/html; charset=utf-8", body, policy(new String(body, UTF_8)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Content-Security-Policy (CSP3): script and style by hash, `/status` of the same origin, the icon from inside the page.
    /// Trusted types with no policy: not even our own script can turn text into markup.
    static String policy(String html) {
        return "default-src 'none'; script-src "
                + hash(element("script", html))
                + "; style-src "
                + hash(element("style", html))
                + "; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
                + " require-trusted-types-for 'script'; trusted-types 'none'";
    }

    /// What stands in the only element of that name.
    private static String element(String name, String html) {
        String open = "<" + name + ">";
        int start = html.indexOf(open) + open.length();
        int end = html.indexOf("</" + name + ">", start);
        if (start < open.length() || end < 0 || html.indexOf(open, end) >= 0)
            throw new IllegalArgumentException("expected: one element " + name);
        return html.substring(start, end);
    }

    private static String hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8));
            return "'sha256-" + Base64.getEncoder().encodeToString(digest) + "'";
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // Every Java platform has it.
        }
    }
}
