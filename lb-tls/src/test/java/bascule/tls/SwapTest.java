package bascule.tls;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.tls.testing.Issued;
import bascule.tls.testing.TestAuthority;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.junit.jupiter.api.Test;

/// Handshakes on several threads while certificates and ticket keys change under them.
final class SwapTest {
    private static final int SWAPS = 50;
    private static final TestAuthority AUTHORITY = TestAuthority.named("Test CA");

    private volatile ServerTls current;

    @Test
    void givenHandshakesAllTheTime_whenCertificatesAreSwappedAndKeysRotated_thenNoneFails()
            throws Exception {
        Issued[] issued = new Issued[5];
        for (int i = 0; i < issued.length; i++) issued[i] = AUTHORITY.issue("www.example.com");
        Instant now = Instant.now();
        Servers servers = new Servers(Servers.set(issued[0]));
        servers.tickets = new TicketRing(now);
        current = servers.make();
        // What a daemon does: nobody closes the old one while a loop is between choosing and making
        // a handler.
        var loops = new ReentrantReadWriteLock();
        List<Throwable> failures = new CopyOnWriteArrayList<>();
        AtomicInteger handshakes = new AtomicInteger();
        AtomicInteger resumed = new AtomicInteger();
        List<Thread> clients = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            String version = i == 0 ? "TLSv1.2" : "TLSv1.3";
            clients.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        try (TestClient client =
                                                new TestClient(AUTHORITY, null, version)) {
                                            while (!Thread.currentThread().isInterrupted()) {
                                                loops.readLock().lock();
                                                try {
                                                    TestClient.Outcome outcome =
                                                            client.connect(
                                                                    current, "www.example.com");
                                                    if (outcome.failure() != null)
                                                        failures.add(outcome.failure());
                                                    else if (outcome.resumed())
                                                        resumed.incrementAndGet();
                                                } finally {
                                                    loops.readLock().unlock();
                                                }
                                                handshakes.incrementAndGet();
                                            }
                                        } catch (Throwable e) {
                                            failures.add(e);
                                        }
                                    }));
        }
        for (int swap = 1; swap <= SWAPS; swap++) {
            int before = handshakes.get();
            while (handshakes.get() < before + 4 && failures.isEmpty()) Thread.sleep(1);
            servers.tickets.rotate(
                    now.plus(Duration.ofHours(8L * swap))); // Under running handshakes.
            servers.certificates = Servers.set(issued[swap % issued.length]);
            ServerTls old = current;
            current = servers.make();
            loops.writeLock().lock();
            try {
                old.close();
            } finally {
                loops.writeLock().unlock();
            }
        }
        for (Thread client : clients) client.interrupt();
        for (Thread client : clients) client.join();
        current.close();

        assertThat(failures).isEmpty();
        assertThat(handshakes.get()).isGreaterThan(SWAPS * 4);
        assertThat(resumed.get()).as("tickets outlive swaps").isPositive();
        assertThat(servers.tickets.subscribers()).isZero();
    }
}
