package bascule.load;

import bascule.harness.Unavailable;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/// Single requests of the bench itself: is it ready, how many were answered, what do the metrics say.
final class Http {
    private static final int TIMEOUT_MILLIS = 5_000;
    private static final long POLL_MILLIS = 20;

    private Http() {}

    /// The body of a 200.
    ///
    /// @throws IOException for any other status too
    static String get(String url) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) URI.create(url).toURL().openConnection();
        connection.setConnectTimeout(TIMEOUT_MILLIS);
        connection.setReadTimeout(TIMEOUT_MILLIS);
        connection.setRequestProperty("Connection", "close");
        int status = connection.getResponseCode();
        if (status != 200) throw new IOException(url + ": status " + status);
        try (InputStream body = connection.getInputStream()) {
            return new String(body.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /// Asks until the answer is 200.
    ///
    /// @throws Unavailable if the process ended or the time passed before
    static void awaitOk(String url, Child of, Duration limit)
            throws IOException, InterruptedException, Unavailable {
        long deadline = System.nanoTime() + limit.toNanos();
        while (true) {
            try {
                get(url);
                return;
            } catch (IOException e) {
                if (!of.process().isAlive()) {
                    throw new Unavailable(of.name() + " ended: " + of.tail());
                }
                if (System.nanoTime() - deadline >= 0) {
                    throw new Unavailable(
                            "%s: no 200 within %d s: %s: %s"
                                    .formatted(of.name(), limit.toSeconds(), e, of.tail()));
                }
            }
            Thread.sleep(POLL_MILLIS);
        }
    }
}
