package bascule.peers;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.testing.Site;
import bascule.tls.testing.Issued;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Certificates that change while clients come.
@Timeout(180)
final class CertificatesIT {
    private static final int REPLACEMENTS = 50;
    private static final int PER_SECOND = 200;
    private static final long SEEN_WITHIN_NANOS = Duration.ofSeconds(1).toNanos();

    @TempDir Path folder = Path.of("");

    private record Replacement(BigInteger serial, long atNanos) {}

    @Test
    void
            givenHandshakes_whenCertificatesAreReplacedFiftyTimes_thenNoneFailsAndEachNewOneIsSoonShown()
                    throws Exception {
        List<Replacement> replacements = new ArrayList<>();
        List<Handshakes.Done> done;
        try (Site site = site();
                Edge edge = Edge.before(folder, site.address());
                SSLSocket kept = connect(edge)) {
            Path file = edge.certificates.resolve("default.pem");
            List<Issued> fresh = new ArrayList<>();
            for (int i = 0; i < REPLACEMENTS; i++) fresh.add(edge.issue());
            long start = System.nanoTime();
            try (Handshakes handshakes = Handshakes.start(edge.tls(), edge::context, PER_SECOND)) {
                for (int i = 0; i < REPLACEMENTS; i++) {
                    Issued next = fresh.get(i);
                    if (i % 5 == 4) writeSlowly(file, next.pem());
                    else edge.replace(next);
                    BigInteger serial = next.certificate().getSerialNumber();
                    replacements.add(new Replacement(serial, System.nanoTime()));
                    handshakes.awaitSeen(serial);
                    exchange(kept);
                }
                done = handshakes.stop();
            }
            double seconds = (System.nanoTime() - start) / 1e9;

            System.out.printf(
                    "%d replacements in %.1f s, %d handshakes%n",
                    REPLACEMENTS, seconds, done.size());
            assertThat(done).extracting(Handshakes.Done::failure).containsOnlyNulls();
            assertThat((double) done.size()).isGreaterThan(seconds * PER_SECOND * 0.75);
            assertEquals(done.size() + REPLACEMENTS, site.requests());
        }
        List<BigInteger> order = replacements.stream().map(Replacement::serial).toList();
        for (Handshakes.Done one : done) {
            int shown = order.indexOf(one.serial()); // -1: the one from before.
            for (int i = shown + 1; i < replacements.size(); i++) {
                long late = one.startedNanos() - replacements.get(i).atNanos;
                assertThat(late)
                        .as(
                                "nanoseconds after replacement %d the certificate %d was shown",
                                i, shown)
                        .isLessThan(SEEN_WITHIN_NANOS);
            }
        }
    }

    private static Site site() throws Exception {
        return new Site(
                (_, wire) -> {
                    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                    return true;
                });
    }

    /// As an editor or `cp` would, with a pause while half of it is there.
    private static void writeSlowly(Path file, String text) throws Exception {
        try (var out = Files.newOutputStream(file)) {
            byte[] all = text.getBytes(US_ASCII);
            out.write(all, 0, all.length / 2);
            Thread.sleep(30);
            out.write(all, all.length / 2, all.length - all.length / 2);
        }
    }

    private static SSLSocket connect(Edge edge) throws Exception {
        var socket =
                (SSLSocket)
                        edge.context()
                                .getSocketFactory()
                                .createSocket("127.0.0.1", edge.tls().getPort());
        socket.startHandshake();
        return socket;
    }

    private static void exchange(SSLSocket kept) throws Exception {
        kept.getOutputStream()
                .write(("GET / HTTP/1.1\r\nHost: " + Edge.NAME + "\r\n\r\n").getBytes(US_ASCII));
        byte[] answer = new byte[4096];
        int length = 0;
        while (!new String(answer, 0, length, US_ASCII).endsWith("\r\n\r\nok")) {
            int read = kept.getInputStream().read(answer, length, answer.length - length);
            assertThat(read).as(new String(answer, 0, length, US_ASCII)).isPositive();
            length += read;
        }
        assertThat(new String(Arrays.copyOf(answer, length), US_ASCII)).startsWith("HTTP/1.1 200 ");
    }
}
