package bascule.health;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.health.Orders.Kept;
import bascule.health.Orders.Key;
import bascule.health.Orders.Wish;
import bascule.server.ServerStatus.Admin;
import bascule.testing.Told;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class OrdersTest {
    private static final Key A = new Key("web", "a");
    private static final Key B = new Key("web", "10.0.0.1:80");
    private static final Key ODD = new Key("w\"e\\b", "näme/[::1]:80");

    @TempDir private Path folder;

    /// Stands for the health thread: what it is to do, the test does.
    private final BlockingQueue<Runnable> home = new LinkedBlockingQueue<>();

    /// As without a cluster.
    private static Wish wish(Admin admin) {
        return new Wish(admin, Stamp.NONE);
    }

    private OrdersFile file() {
        return new OrdersFile(folder.resolve("servers.json"));
    }

    private Orders orders() {
        return new Orders(home::add, file(), Map.of(), "", () -> 0);
    }

    private void runHome() throws InterruptedException {
        Runnable work = home.poll(30, TimeUnit.SECONDS);
        assertNotNull(work);
        work.run();
    }

    private Kept end(CompletableFuture<Kept> asked) throws InterruptedException {
        while (!asked.isDone()) runHome();
        return asked.join();
    }

    @Test
    void givenOrders_whenWritten_thenReadAgainAndALineEach() throws IOException {
        var orders = new LinkedHashMap<Key, Wish>();
        orders.put(A, wish(Admin.DRAINING));
        orders.put(ODD, wish(Admin.DISABLED));
        file().write(orders);

        assertEquals(orders, file().read());
        assertThat(Files.readString(file().file()))
                .startsWith(
                        """
                        {"servers":[
                          {"backend":"web","server":"a","admin":"draining"},
                          {"backend":"w\\"e\\\\b","server":"n\
                        """)
                .endsWith("\"admin\":\"disabled\"}\n]}\n");
        file().write(Map.of());
        assertEquals(Map.of(), file().read());
        assertEquals("{\"servers\":[]}\n", Files.readString(file().file()));
        try (var left = Files.list(folder)) {
            assertEquals(List.of(file().file()), left.toList());
        }
    }

    @Test
    void givenNoFile_whenRead_thenNoOrders() throws IOException {
        assertEquals(Map.of(), file().read());
        assertEquals(
                Map.of(), new OrdersFile(folder.resolve("no/such/folder/servers.json")).read());
    }

    @Test
    void givenKeysOfALaterVersion_whenRead_thenPassedOver() throws IOException {
        Files.writeString(
                file().file(),
                """
                {"version": {"a": [1, {}]}, "servers": [
                  {"backend": "web", "since": [2026], "server": "a", "admin": "draining"}
                ], "more": null}
                """);

        assertEquals(Map.of(A, wish(Admin.DRAINING)), file().read());
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            delimiter = '|',
            textBlock =
                    """
                    `` | line 1: the end (expected: START_OBJECT)
                    [] | line 1: START_ARRAY (expected: START_OBJECT)
                    { | line 1: is not JSON
                    {"servers":{}} | line 1: START_OBJECT (expected: START_ARRAY)
                    {"servers":[1]} | line 1: VALUE_NUMBER_INT (expected: END_ARRAY)
                    {"servers":[{"backend":1}]} | line 1: VALUE_NUMBER_INT (expected: VALUE_STRING)
                    {"servers":[{"backend":"a","server":"b"}]} | line 1: a server lacks backend, server or admin
                    """)
    void givenCorruptFile_whenRead_thenItSaysWhereAndWhat(String text, String message)
            throws IOException {
        Files.writeString(file().file(), text);

        assertThatThrownBy(() -> file().read()).isInstanceOf(IOException.class).hasMessage(message);
    }

    @Test
    void givenOrderOfALaterVersion_whenRead_thenItAloneIsLeftOut() throws IOException {
        Files.writeString(
                file().file(),
                """
                {"servers": [
                  {"backend": "web", "server": "10.0.0.1:80", "admin": "resting"},
                  {"backend": "web", "server": "a", "admin": "draining"}
                ]}
                """);

        assertEquals(Map.of(A, wish(Admin.DRAINING)), file().read());
    }

    @Test
    void givenCorruptFile_whenSetAside_thenKeptUnderAnotherName() throws IOException {
        Files.writeString(file().file(), "older");
        file().setAside();
        Files.writeString(file().file(), "{");

        Path aside = file().setAside();

        assertEquals(folder.resolve("servers.json.broken"), aside);
        assertEquals("{", Files.readString(aside));
        assertEquals(Map.of(), file().read());
    }

    @Test
    void givenLinkWhereItIsWrittenTo_whenWritten_thenWhatItLeadsToIsUntouched() throws IOException {
        Path other = Files.writeString(folder.resolve("other"), "precious");
        Path link = folder.resolve("servers.json.new");
        Files.createSymbolicLink(link, other);

        file().write(Map.of(A, wish(Admin.DRAINING)));

        assertEquals("precious", Files.readString(other));
        assertEquals(Map.of(A, wish(Admin.DRAINING)), file().read());
        assertFalse(Files.isSymbolicLink(file().file()));
    }

    @Test
    void givenHugeFile_whenRead_thenRefusedUnread() throws IOException {
        try (var channel =
                java.nio.channels.FileChannel.open(
                        file().file(),
                        java.nio.file.StandardOpenOption.CREATE,
                        java.nio.file.StandardOpenOption.WRITE)) {
            channel.write(java.nio.ByteBuffer.wrap(new byte[1]), 17L * 1024 * 1024);
        }

        assertThatThrownBy(() -> file().read()).hasMessageContaining("expected: up to");
    }

    @Test
    void givenMoreOrdersThanMayBe_whenRead_thenRefused() throws IOException {
        var orders = new LinkedHashMap<Key, Wish>();
        for (int i = 0; i <= Orders.MOST; i++)
            orders.put(new Key("web", "s" + i), wish(Admin.DRAINING));
        file().write(orders);

        assertThatThrownBy(() -> file().read()).hasMessageContaining("more than 10000 servers");
    }

    @Test
    void givenOrder_whenPut_thenKnownAtOnceAndKeptOnceWritten() throws Exception {
        Orders orders = orders();
        CompletableFuture<Kept> kept = orders.put(A, Admin.DRAINING, _ -> true);

        assertEquals(Admin.DRAINING, orders.of(A));
        assertEquals(Admin.ENABLED, orders.of(B));
        assertFalse(kept.isDone());
        assertEquals(Kept.YES, end(kept));
        assertEquals(Map.of(A, wish(Admin.DRAINING)), file().read());
        assertTrue(orders.put(A, Admin.DRAINING, _ -> true).isDone()); // Nothing to write.
        assertEquals(Kept.YES, end(orders.put(A, Admin.ENABLED, _ -> true)));
        assertEquals(Map.of(), file().read());
    }

    @Test
    void givenOrdersWhileTheFileIsWritten_whenItIs_thenTheyAreWrittenTogether() throws Exception {
        Orders orders = orders();
        CompletableFuture<Kept> first = orders.put(A, Admin.DRAINING, _ -> true);
        CompletableFuture<Kept> second = orders.put(B, Admin.DRAINING, _ -> true);
        CompletableFuture<Kept> third = orders.put(A, Admin.DISABLED, _ -> true);
        CompletableFuture<?> idle = orders.idle();

        runHome();
        assertTrue(first.isDone());
        assertFalse(second.isDone());
        assertFalse(idle.isDone());
        runHome();
        assertEquals(Kept.YES, second.join());
        assertEquals(Kept.YES, third.join());
        assertTrue(idle.isDone());
        assertEquals(Map.of(B, wish(Admin.DRAINING), A, wish(Admin.DISABLED)), file().read());
    }

    @Test
    void givenFolderThatCannotBeWritten_whenItCanBeAgain_thenAnyOrderWritesAll() throws Exception {
        Path taken = folder.resolve("state");
        Files.writeString(taken, "");
        var there = new OrdersFile(taken.resolve("servers.json"));
        var orders = new Orders(home::add, there, Map.of(), "", () -> 0);

        Kept not = end(orders.put(A, Admin.DRAINING, _ -> true));
        assertThat(not.notKept()).startsWith(there.file() + ": ");
        assertEquals(Admin.DRAINING, orders.of(A));

        Files.delete(taken);
        assertEquals(Kept.YES, end(orders.put(A, Admin.DRAINING, _ -> true)));
        assertEquals(Map.of(A, wish(Admin.DRAINING)), there.read());
    }

    @Test
    void givenFailedWrite_whenTheOldFileIsRead_thenItIsWhole() throws Exception {
        file().write(Map.of(A, wish(Admin.DRAINING)));
        Files.createDirectories(
                folder.resolve("servers.json.new/x")); // Where it would be written to.

        Orders orders = orders();
        assertNotNull(end(orders.put(B, Admin.DRAINING, _ -> true)).notKept());
        assertEquals(Map.of(A, wish(Admin.DRAINING)), file().read());
    }

    @Test
    void givenManyOrders_whenOneMore_thenTheOldestOfAServerThatIsGoneIsForgotten() {
        var full = new LinkedHashMap<Key, Wish>();
        for (int i = 0; i < Orders.MOST; i++)
            full.put(new Key("web", "s" + i), wish(Admin.DRAINING));
        var orders = new Orders(home::add, null, full, "", () -> 0);
        Key gone = new Key("web", "s7");

        orders.put(A, Admin.DRAINING, key -> !key.equals(gone));

        assertEquals(Admin.DRAINING, orders.of(A));
        assertEquals(Admin.ENABLED, orders.of(gone));
        assertEquals(Admin.DRAINING, orders.of(new Key("web", "s6")));
    }

    @Test
    void givenManyOrders_whenAllServersAreThere_thenOneMoreIsNotKeptButOneChangedIs() {
        var full = new LinkedHashMap<Key, Wish>();
        for (int i = 0; i < Orders.MOST; i++)
            full.put(new Key("web", "s" + i), wish(Admin.DRAINING));
        var orders = new Orders(home::add, null, full, "", () -> 0);

        assertEquals(
                "10000 orders are kept", orders.put(A, Admin.DRAINING, _ -> true).join().notKept());
        assertEquals(Admin.ENABLED, orders.of(A));
        orders.put(new Key("web", "s3"), Admin.DISABLED, _ -> true);
        assertEquals(Admin.DISABLED, orders.of(new Key("web", "s3")));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void givenNoFile_whenPut_thenOnlyWhatNeedsNoFileIsKept(boolean drained) {
        var orders = new Orders(home::add, null, Map.of(), "", () -> 0);
        Admin wanted = drained ? Admin.DRAINING : Admin.ENABLED;
        String notKept = orders.put(A, wanted, _ -> true).join().notKept();

        if (drained) assertEquals("no state folder", notKept);
        else assertNull(notKept);
        assertEquals(wanted, orders.of(A));
    }

    @Test
    void givenReaderMeanwhile_whenWrittenAgainAndAgain_thenAlwaysWhole() throws Exception {
        var even = new LinkedHashMap<Key, Wish>();
        for (int i = 0; i < 500; i++) even.put(new Key("web", "s" + i), wish(Admin.DRAINING));
        var odd = new LinkedHashMap<>(Map.of(A, wish(Admin.DISABLED)));
        file().write(even);
        Thread writer =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    try {
                                        for (int i = 0; i < 100; i++)
                                            file().write(i % 2 == 0 ? odd : even);
                                    } catch (IOException failure) {
                                        throw new AssertionError(failure);
                                    }
                                });
        List<Map<Key, Wish>> seen = new ArrayList<>();
        while (writer.isAlive()) seen.add(file().read());
        writer.join();

        assertThat(seen).isNotEmpty().allMatch(each -> each.equals(even) || each.equals(odd));
        assertEquals(even, file().read());
    }

    // ---- in a cluster

    private Orders ofNode(String name, long wallMillis, Map<Key, Wish> read) {
        return new Orders(home::add, null, read, name, () -> wallMillis);
    }

    @Test
    void givenTwoNodes_whenBothOrder_thenBothHoldTheLaterWhateverComesFirst() {
        Orders a = ofNode("a", 1000, Map.of());
        Orders b = ofNode("b", 2000, Map.of());
        a.put(A, Admin.DRAINING, _ -> true);
        b.put(A, Admin.DISABLED, _ -> true);
        b.put(B, Admin.DRAINING, _ -> true);
        List<Order> ofA = a.all();
        List<Order> ofB = b.all();

        assertThat(a.merge(ofB, _ -> true)).hasSize(2);
        assertThat(b.merge(ofA, _ -> true)).isEmpty();

        assertThat(a.all()).containsExactlyInAnyOrderElementsOf(b.all());
        assertEquals(Admin.DISABLED, a.of(A));
        assertThat(a.merge(ofB, _ -> true)).isEmpty(); // Once more changes nothing.
        // Behind b's clock, and yet later than all it has heard of.
        a.put(A, Admin.ENABLED, _ -> true);
        assertThat(b.merge(a.all(), _ -> true))
                .containsExactly(new Order("web", "a", Admin.ENABLED, new Stamp(2002, "a")));
        assertEquals(Admin.ENABLED, b.of(A));
    }

    @Test
    void givenSameCounter_whenMerged_thenTheNameDecidesOnBoth() {
        Orders a = ofNode("a", 1000, Map.of());
        Orders b = ofNode("b", 1000, Map.of());
        a.put(A, Admin.DRAINING, _ -> true);
        b.put(A, Admin.DISABLED, _ -> true);
        List<Order> ofA = a.all();
        a.merge(b.all(), _ -> true);
        b.merge(ofA, _ -> true);

        assertEquals(Admin.DISABLED, a.of(A));
        assertEquals(Admin.DISABLED, b.of(A));
    }

    @Test
    void givenNodeThatWasAway_whenItIsTold_thenWhatWasTakenBackIsTakenBackThereToo() {
        Orders a = ofNode("a", 1000, Map.of());
        Orders b = ofNode("b", 1000, Map.of());
        a.put(A, Admin.DRAINING, _ -> true);
        b.merge(a.all(), _ -> true);
        a.put(A, Admin.ENABLED, _ -> true); // While b is away.

        b.merge(a.all(), _ -> true);

        assertEquals(Admin.ENABLED, b.of(A));
        assertThat(
                        b.merge(
                                List.of(
                                        new Order(
                                                "web", "a", Admin.DRAINING, new Stamp(1000, "a"))),
                                _ -> true))
                .isEmpty();
    }

    @Test
    void givenOrdersWithStamps_whenWritten_thenReadAgain() throws Exception {
        var orders = new Orders(home::add, file(), Map.of(), "a", () -> 1000);
        assertEquals(Kept.YES, end(orders.put(A, Admin.DRAINING, _ -> true)));
        assertEquals(Kept.YES, end(orders.put(B, Admin.ENABLED, _ -> true)));

        assertEquals(
                Map.of(
                        A, new Wish(Admin.DRAINING, new Stamp(1000, "a")),
                        B, new Wish(Admin.ENABLED, new Stamp(1001, "a"))),
                file().read());
        assertEquals(
                """
                {"version":2,"servers":[
                  {"backend":"web","server":"a","admin":"draining","counter":1000,"node":"a"},
                  {"backend":"web","server":"10.0.0.1:80","admin":"enabled","counter":1001,"node":"a"}
                ]}
                """,
                Files.readString(file().file()));
        Orders again = new Orders(home::add, file(), file().read(), "a", () -> 0);
        again.put(A, Admin.ENABLED, _ -> true);
        assertThat(again.all())
                .contains(new Order("web", "a", Admin.ENABLED, new Stamp(1002, "a")));
        while (!again.idle().isDone()) runHome();
    }

    @Test
    void givenMergedOrders_whenWritten_thenTheyOutliveARestart() throws Exception {
        var orders = new Orders(home::add, file(), Map.of(), "a", () -> 1000);
        var theirs = new Order("web", "a", Admin.DISABLED, new Stamp(5, "b"));
        assertThat(orders.merge(List.of(theirs), _ -> true)).containsExactly(theirs);
        // While that is being written, one more comes.
        var more = new Order("web", "more", Admin.DRAINING, new Stamp(6, "b"));
        orders.merge(List.of(more), _ -> true);
        while (!orders.idle().isDone()) runHome();

        assertEquals(
                Map.of(
                        A,
                        new Wish(Admin.DISABLED, new Stamp(5, "b")),
                        new Key("web", "more"),
                        new Wish(Admin.DRAINING, new Stamp(6, "b"))),
                file().read());
    }

    @Test
    void givenFileOfTheTimeWithoutACluster_whenRead_thenItsOrdersHoldUntilTheClusterSaysElse() {
        Orders a = ofNode("a", 1000, Map.of(A, wish(Admin.DRAINING)));
        Orders b = ofNode("b", 1000, Map.of(A, wish(Admin.DISABLED), B, wish(Admin.DRAINING)));
        List<Order> ofA = a.all();
        a.merge(b.all(), _ -> true);
        b.merge(ofA, _ -> true);

        assertThat(a.all()).containsExactlyInAnyOrderElementsOf(b.all());
        assertEquals(Admin.DISABLED, a.of(A));
        b.put(A, Admin.ENABLED, _ -> true);
        a.merge(b.all(), _ -> true);
        assertEquals(Admin.ENABLED, a.of(A));
    }

    @Test
    void givenMoreOrdersThanMayBe_whenMerged_thenTheBoundHoldsAndWhatIsEnabledGoesFirst() {
        Orders a = ofNode("a", 1000, Map.of());
        var many = new ArrayList<Order>();
        for (int i = 0; i < Orders.MOST; i++)
            many.add(
                    new Order(
                            "web",
                            "s" + i,
                            i == 7 ? Admin.ENABLED : Admin.DRAINING,
                            new Stamp(1, "b")));
        a.merge(many, _ -> true);
        assertThat(
                        a.merge(
                                List.of(new Order("web", "x", Admin.DRAINING, new Stamp(1, "b"))),
                                _ -> true))
                .hasSize(1);
        assertThat(
                        a.merge(
                                List.of(new Order("web", "y", Admin.DRAINING, new Stamp(1, "b"))),
                                _ -> true))
                .isEmpty();

        assertThat(a.all()).hasSize(Orders.MOST);
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, 0, Stamp.MOST_COUNTER + 1, Long.MAX_VALUE})
    void givenStampThatIsNotGood_whenMerged_thenItIsSkippedAndTheRestHolds_andLaterOrdersAreGood(
            long counter) {
        Orders a = ofNode("a", 1000, Map.of());
        var bad = new Order("web", "a", Admin.DISABLED, new Stamp(counter, "b"));
        var good = new Order("web", "10.0.0.1:80", Admin.DISABLED, new Stamp(7, "b"));

        assertThat(a.merge(List.of(bad, good), _ -> true)).containsExactly(good);
        a.put(A, Admin.DRAINING, _ -> true);
        assertThat(a.all()).contains(new Order("web", "a", Admin.DRAINING, new Stamp(1000, "a")));
    }

    @Test
    void givenHighestStampThatMayBe_whenOrderedAgain_thenNoneIsHigher() {
        var last = new Wish(Admin.DISABLED, new Stamp(Stamp.MOST_COUNTER, "b"));
        Orders a = ofNode("c", 1000, Map.of(A, last));

        a.put(B, Admin.DRAINING, _ -> true);

        assertThat(a.all()).hasSize(2).allMatch(each -> each.stamp().isGood());
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, Stamp.MOST_COUNTER + 1, Long.MAX_VALUE})
    void givenFileWithAStampThatIsNotGood_whenRead_thenTheOrderHoldsWithoutAStampAndThatIsTold(
            long counter) throws IOException {
        Files.writeString(
                file().file(),
                """
                {"servers": [
                  {"backend": "web", "server": "a", "admin": "draining", "counter": %d, "node": "b"}
                ]}
                """
                        .formatted(counter));
        try (var events = new Told()) {
            assertEquals(Map.of(A, wish(Admin.DRAINING)), file().read());
            events.await("state-stamp-unknown", "server=a", "line=2");
        }
    }
}
