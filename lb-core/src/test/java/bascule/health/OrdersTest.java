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
import bascule.server.ServerStatus.Admin;
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

    private OrdersFile file() {
        return new OrdersFile(folder.resolve("servers.json"));
    }

    private Orders orders() {
        return new Orders(home::add, file(), Map.of());
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
        var orders = new LinkedHashMap<Key, Admin>();
        orders.put(A, Admin.DRAINING);
        orders.put(ODD, Admin.DISABLED);
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

        assertEquals(Map.of(A, Admin.DRAINING), file().read());
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

        assertEquals(Map.of(A, Admin.DRAINING), file().read());
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

        file().write(Map.of(A, Admin.DRAINING));

        assertEquals("precious", Files.readString(other));
        assertEquals(Map.of(A, Admin.DRAINING), file().read());
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
        var orders = new LinkedHashMap<Key, Admin>();
        for (int i = 0; i <= Orders.MOST; i++) orders.put(new Key("web", "s" + i), Admin.DRAINING);
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
        assertEquals(Map.of(A, Admin.DRAINING), file().read());
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
        assertEquals(Map.of(B, Admin.DRAINING, A, Admin.DISABLED), file().read());
    }

    @Test
    void givenFolderThatCannotBeWritten_whenItCanBeAgain_thenAnyOrderWritesAll() throws Exception {
        Path taken = folder.resolve("state");
        Files.writeString(taken, "");
        var there = new OrdersFile(taken.resolve("servers.json"));
        var orders = new Orders(home::add, there, Map.of());

        Kept not = end(orders.put(A, Admin.DRAINING, _ -> true));
        assertThat(not.notKept()).startsWith(there.file() + ": ");
        assertEquals(Admin.DRAINING, orders.of(A));

        Files.delete(taken);
        assertEquals(Kept.YES, end(orders.put(A, Admin.DRAINING, _ -> true)));
        assertEquals(Map.of(A, Admin.DRAINING), there.read());
    }

    @Test
    void givenFailedWrite_whenTheOldFileIsRead_thenItIsWhole() throws Exception {
        file().write(Map.of(A, Admin.DRAINING));
        Files.createDirectories(
                folder.resolve("servers.json.new/x")); // Where it would be written to.

        Orders orders = orders();
        assertNotNull(end(orders.put(B, Admin.DRAINING, _ -> true)).notKept());
        assertEquals(Map.of(A, Admin.DRAINING), file().read());
    }

    @Test
    void givenManyOrders_whenOneMore_thenTheOldestOfAServerThatIsGoneIsForgotten() {
        var full = new LinkedHashMap<Key, Admin>();
        for (int i = 0; i < Orders.MOST; i++) full.put(new Key("web", "s" + i), Admin.DRAINING);
        var orders = new Orders(home::add, null, full);
        Key gone = new Key("web", "s7");

        orders.put(A, Admin.DRAINING, key -> !key.equals(gone));

        assertEquals(Admin.DRAINING, orders.of(A));
        assertEquals(Admin.ENABLED, orders.of(gone));
        assertEquals(Admin.DRAINING, orders.of(new Key("web", "s6")));
    }

    @Test
    void givenManyOrders_whenAllServersAreThere_thenOneMoreIsNotKeptButOneChangedIs() {
        var full = new LinkedHashMap<Key, Admin>();
        for (int i = 0; i < Orders.MOST; i++) full.put(new Key("web", "s" + i), Admin.DRAINING);
        var orders = new Orders(home::add, null, full);

        assertEquals(
                "10000 orders are kept", orders.put(A, Admin.DRAINING, _ -> true).join().notKept());
        assertEquals(Admin.ENABLED, orders.of(A));
        orders.put(new Key("web", "s3"), Admin.DISABLED, _ -> true);
        assertEquals(Admin.DISABLED, orders.of(new Key("web", "s3")));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void givenNoFile_whenPut_thenOnlyWhatNeedsNoFileIsKept(boolean drained) {
        var orders = new Orders(home::add, null, Map.of());
        Admin wanted = drained ? Admin.DRAINING : Admin.ENABLED;
        String notKept = orders.put(A, wanted, _ -> true).join().notKept();

        if (drained) assertEquals("no state folder", notKept);
        else assertNull(notKept);
        assertEquals(wanted, orders.of(A));
    }

    @Test
    void givenReaderMeanwhile_whenWrittenAgainAndAgain_thenAlwaysWhole() throws Exception {
        var even = new LinkedHashMap<Key, Admin>();
        for (int i = 0; i < 500; i++) even.put(new Key("web", "s" + i), Admin.DRAINING);
        var odd = new LinkedHashMap<>(Map.of(A, Admin.DISABLED));
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
        List<Map<Key, Admin>> seen = new ArrayList<>();
        while (writer.isAlive()) seen.add(file().read());
        writer.join();

        assertThat(seen).isNotEmpty().allMatch(each -> each.equals(even) || each.equals(odd));
        assertEquals(even, file().read());
    }
}
