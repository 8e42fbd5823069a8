package bascule.health;

import bascule.server.ServerStatus.Admin;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// What operators ordered, per backend and server name, so that it outlives reloads and restarts. [Admin#ENABLED] is what nobody needs to
/// remember, but in a cluster: there a node that was away must learn that it is the latest word. Confined to the health thread; files are written on a thread of their own, one at a time, and
/// what is ordered meanwhile is written together next.
final class Orders {
    /// Beyond, the oldest order for a server that is not in the configuration is forgotten; if there is none, the oldest that a server is
    /// enabled; and if there is none, the new one is.
    static final int MOST = 10_000;

    private static final String NO_FOLDER = "no state folder";

    /// Names as in the configuration.
    record Key(String backend, String server) {}

    /// @param stamp [Stamp#NONE] without a cluster
    record Wish(Admin admin, Stamp stamp) {
        private static final Wish NONE = new Wish(Admin.ENABLED, Stamp.NONE);
    }

    private final Executor home;
    private final @Nullable OrdersFile file;
    private final String self;
    private final LongSupplier wallMillis;
    private final LinkedHashMap<Key, Wish> wanted;
    private long highest;
    private volatile List<Order> all = List.of();
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
    /// @param read what the file held; without a stamp where it was given before there was a cluster
    /// @param self the name of this node; empty without a cluster
    Orders(
            Executor home,
            @Nullable OrdersFile file,
            Map<Key, Wish> read,
            String self,
            LongSupplier wallMillis) {
        this.home = home;
        this.file = file;
        this.self = self;
        this.wallMillis = wallMillis;
        wanted = new LinkedHashMap<>(read);
        for (Wish each : wanted.values()) highest = Math.max(highest, each.stamp.counter());
        if (self.isEmpty()) wanted.values().removeIf(each -> each.admin == Admin.ENABLED);
        else wanted.replaceAll((_, each) -> stamped(each));
        tellAll();
    }

    /// Old enough that whatever was said in a cluster holds against it, and another than that of other nodes' old orders.
    private Wish stamped(Wish wish) {
        return wish.stamp.equals(Stamp.NONE) ? new Wish(wish.admin, new Stamp(1, self)) : wish;
    }

    private void tellAll() {
        if (self.isEmpty()) return;
        var orders = new ArrayList<Order>(wanted.size());
        wanted.forEach(
                (key, wish) ->
                        orders.add(new Order(key.backend, key.server, wish.admin, wish.stamp)));
        all = List.copyOf(orders);
    }

    /// All that are kept; from any thread. None without a cluster.
    List<Order> all() {
        return all;
    }

    Admin of(Key key) {
        return wish(key).admin;
    }

    private Wish wish(Key key) {
        return wanted.getOrDefault(key, Wish.NONE);
    }

    /// The stamp of an order that is given now. At the bound the name alone decides: still one order for all.
    private Stamp next() {
        if (self.isEmpty()) return Stamp.NONE;
        highest = Math.min(Math.max(highest + 1, wallMillis.getAsLong()), Stamp.MOST_COUNTER);
        return new Stamp(highest, self);
    }

    /// Takes over what other nodes say, as far as it is later than what is known here.
    ///
    /// @param known is a server in the configuration?
    /// @return what is new
    List<Order> merge(List<Order> theirs, Predicate<Key> known) {
        var adopted = new ArrayList<Order>();
        for (Order each : theirs) {
            if (!each.stamp().isGood()) continue;
            Key key = new Key(each.backend(), each.server());
            highest = Math.max(highest, each.stamp().counter());
            if (each.stamp().compareTo(wish(key).stamp) <= 0) continue;
            if (!hasRoom(key, known)) continue;
            keep(key, new Wish(each.admin(), each.stamp()));
            adopted.add(each);
        }
        if (adopted.isEmpty()) return adopted;
        tellAll();
        dirty = true;
        if (file != null && !writing) write(file);
        return adopted;
    }

    private boolean hasRoom(Key key, Predicate<Key> known) {
        return wanted.containsKey(key) || wanted.size() < MOST || forgetOne(known);
    }

    /// The latest order stands last.
    private void keep(Key key, Wish wish) {
        wanted.remove(key);
        if (wish.admin != Admin.ENABLED || !self.isEmpty()) wanted.put(key, wish);
    }

    /// @param known is a server in the configuration?
    /// @return completes on the health thread, once it is known whether the order is kept
    CompletableFuture<Kept> put(Key key, Admin admin, Predicate<Key> known) {
        Admin before = of(key);
        // In a cluster another node may want something else by now, and this is the last word.
        if (admin != before || !self.isEmpty()) {
            if (!hasRoom(key, known))
                return CompletableFuture.completedFuture(new Kept(MOST + " orders are kept"));
            keep(key, new Wish(admin, next()));
            tellAll();
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
        for (Map.Entry<Key, Wish> each : wanted.entrySet()) {
            if (each.getValue().admin != Admin.ENABLED) continue;
            wanted.remove(each.getKey());
            return true;
        }
        return false;
    }

    /// What was said last of a server; null without a cluster, or if it was not kept.
    @Nullable Order last(Key key) {
        Wish wish = wanted.get(key);
        return wish == null || self.isEmpty()
                ? null
                : new Order(key.backend, key.server, wish.admin, wish.stamp);
    }

    private void write(OrdersFile to) {
        writing = true;
        dirty = false;
        Map<Key, Wish> now = new LinkedHashMap<>(wanted);
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

    private static Kept write(OrdersFile to, Map<Key, Wish> orders) {
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
        if (!waiting.isEmpty() || dirty && kept.notKept() == null) {
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
