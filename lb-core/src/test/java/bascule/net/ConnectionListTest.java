package bascule.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.DefaultEventLoop;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ConnectionListTest {
    private final DefaultEventLoop executor = new DefaultEventLoop();
    private final Loop loop = new Loop(0, executor, UnpooledByteBufAllocator.DEFAULT);

    @AfterEach
    void stop() {
        executor.shutdownGracefully();
    }

    private static List<Connection> content(ConnectionList list) {
        List<Connection> seen = new ArrayList<>();
        list.forEach(seen::add);
        return seen;
    }

    @Test
    void givenConnectionInAList_whenPushedAgain_thenRefused() {
        var one = new Silent(loop);
        var list = new ConnectionList();
        list.push(one);

        assertThrows(IllegalStateException.class, () -> list.push(one));
        assertThrows(IllegalStateException.class, () -> new ConnectionList().push(one));
        assertEquals(List.of(one), content(list));
    }

    @Test
    void givenConnectionOfAnotherList_whenRemoved_thenBothListsStayAsTheyAre() {
        var one = new Silent(loop);
        var list = new ConnectionList();
        list.push(one);
        var other = new ConnectionList();
        other.push(new Silent(loop));

        assertEquals(false, other.remove(one));
        assertEquals(1, other.size());
        assertEquals(List.of(one), content(list));
    }

    @Test
    void givenMany_whenEachIsRemovedWhileVisited_thenAllAreVisited() {
        var list = new ConnectionList();
        for (int i = 0; i < 10; i++) list.push(new Silent(loop));

        List<Connection> seen = new ArrayList<>();
        list.forEach(
                connection -> {
                    seen.add(connection);
                    list.remove(connection);
                });

        assertEquals(10, seen.size());
        assertEquals(0, list.size());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenAnyOperations_whenHeldAgainstAStack_thenTheSame(long seed) {
        var random = new Random(seed);
        var list = new ConnectionList();
        Deque<Connection> model = new ArrayDeque<>();
        List<Connection> all = new ArrayList<>();
        for (int i = 0; i < 20; i++) all.add(new Silent(loop));
        for (int step = 0; step < 20_000; step++) {
            String replay = "seed " + seed + ", step " + step;
            Connection one = all.get(random.nextInt(all.size()));
            switch (random.nextInt(3)) {
                case 0 -> {
                    if (!model.contains(one)) {
                        list.push(one);
                        model.push(one);
                    }
                }
                case 1 -> assertEquals(model.remove(one), list.remove(one), replay);
                default -> {
                    Connection expected = model.poll();
                    Connection popped = list.pop();
                    if (expected == null) assertNull(popped, replay);
                    else assertSame(expected, popped, replay);
                }
            }
            assertEquals(model.size(), list.size(), replay);
            assertEquals(List.copyOf(model), content(list), replay);
        }
    }
}
