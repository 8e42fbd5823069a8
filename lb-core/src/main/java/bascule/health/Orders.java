package bascule.health;

import bascule.server.ServerStatus.Admin;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// What operators ordered, per backend and server name, so that it outlives reloads and restarts: [Admin#ENABLED] is what nobody
/// needs to remember. Confined to the health thread; files are written on a thread of their own, one at a time, and
/// what is ordered meanwhile is written together next.
final class Orders {
    /// Beyond, the oldest order for a server that is not in the configuration is forgotten; if there is none, the new one is.
    static final int MOST = 10_000;

    private static final String NO_FOLDER = "no state folder";

    /// Names as in the configuration.
    record Key(String backend, String server) {}

    private final Executor home;
    private final @Nullable OrdersFile file;
    private final LinkedHashMap<Key, Admin> wanted;
    private boolean dirty;
    private boolean writing;
    private List<CompletableFuture<Kept>> waiting = new ArrayList<>();
    private CompletableFuture<@Nullable Void> idle = new CompletableFuture<>();

    /// Whether an order will outlive a restart.
    ///
    /// @param notKept why it will not; null if it will
    record Kept(@Nullable String notKept) {
        static final Kept YES = new Kept(null);
    }

    /// @param home the health thread
    /// @param file null: nothing outlives the process
    /// @param read what the file held
    Orders(Executor home, @Nullable OrdersFile file, Map<Key, Admin> read) {
        this.home = home;
        this.file = file;
        wanted = new LinkedHashMap<>(read);
    }

    Admin of(Key key) {
        return wanted.getOrDefault(key, Admin.ENABLED);
    }

    /// @param known is a server in the configuration?
    /// @return completes on the health thread, once it is known whether the order is kept
    CompletableFuture<Kept> put(Key key, Admin admin, Predicate<Key> known) {
        Admin before = of(key);
        if (admin != before) {
            if (!wanted.containsKey(key) && wanted.size() >= MOST && !forgetOne(known))
                return CompletableFuture.completedFuture(new Kept(MOST + " orders are kept"));
            wanted.remove(key); // The latest order stands last.
            if (admin != Admin.ENABLED) wanted.put(key, admin);
            dirty = true;
        }
        if (file == null)
            return CompletableFuture.completedFuture(
                    admin == Admin.ENABLED ? Kept.YES : new Kept(NO_FOLDER));
        if (!dirty && !writing) return CompletableFuture.completedFuture(Kept.YES);
        var kept = new CompletableFuture<Kept>();
        waiting.add(kept);
        if (!writing) write(file);
        return kept;
    }

    private boolean forgetOne(Predicate<Key> known) {
        for (Key key : wanted.keySet()) {
            if (known.test(key)) continue;
            wanted.remove(key);
            return true;
        }
        return false;
    }

    private void write(OrdersFile to) {
        writing = true;
        dirty = false;
        Map<Key, Admin> now = new LinkedHashMap<>(wanted);
        List<CompletableFuture<Kept>> asked = waiting;
        waiting = new ArrayList<>();
        Thread.ofVirtual()
                .name("health-state")
                .start(
                        () -> {
                            Kept kept = write(to, now);
                            home.execute(() -> written(to, kept, asked));
                        });
    }

    private static Kept write(OrdersFile to, Map<Key, Admin> orders) {
        try {
            to.write(orders);
            return Kept.YES;
        } catch (IOException | RuntimeException failure) {
            return new Kept(to.file() + ": " + failure);
        }
    }

    private void written(OrdersFile to, Kept kept, List<CompletableFuture<Kept>> asked) {
        writing = false;
        if (kept.notKept() != null) dirty = true; // The next order tries again.
        for (CompletableFuture<Kept> each : asked) each.complete(kept);
        if (!waiting.isEmpty()) {
            write(to);
            return;
        }
        idle.complete(null);
        idle = new CompletableFuture<>();
    }

    /// Complete once nothing is left to write.
    CompletableFuture<@Nullable Void> idle() {
        return writing ? idle : CompletableFuture.completedFuture(null);
    }
}
