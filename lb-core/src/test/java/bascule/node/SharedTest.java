package bascule.node;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.health.Health;
import bascule.health.Order;
import bascule.health.Stamp;
import bascule.server.ServerStatus.Admin;
import bascule.testing.Told;
import bascule.tls.TicketRing;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What nodes tell each other, each on its own and with what is on the way in the test's hands.
@Timeout(60)
final class SharedTest {
    private static final Instant NOW = Instant.now();

    private final Told events = new Told();
    private final List<Node> nodes = new ArrayList<>();

    private record Message(String topic, byte[] bytes) {}

    private static final class Node {
        final String name;
        final Health health;
        final TicketRing tickets = new TicketRing(NOW);
        final List<Message> sent = new ArrayList<>();
        final Shared shared;

        Node(String name) {
            this.name = name;
            health = Health.start(null, name);
            shared =
                    new Shared(
                            health,
                            tickets,
                            (topic, bytes) -> sent.add(new Message(topic, bytes)),
                            Runnable::run);
        }

        void seconds(int count) {
            for (int i = 0; i < count; i++) shared.everySecond(NOW, name.equals("a"));
        }

        void knows(Order order) {
            health.merge(List.of(order), "test");
            Awaitility.await().until(() -> health.orders().contains(order));
        }

        /// All that was sent since the last time reaches another.
        void reach(Node other) {
            for (Message each : List.copyOf(sent))
                other.shared.received(each.topic, name, each.bytes);
            sent.clear();
        }

        List<String> topics() {
            return sent.stream().map(Message::topic).toList();
        }
    }

    private Node node(String name) {
        var node = new Node(name);
        nodes.add(node);
        return node;
    }

    @AfterEach
    void end() {
        nodes.forEach(each -> each.health.close());
        events.close();
    }

    private static Order order(String server) {
        return new Order("web", server, Admin.DRAINING, new Stamp(7, "a"));
    }

    @Test
    void givenOrderThatWasLostOnTheWay_whenDigestsAreTold_thenTheOtherLearnsOfIt() {
        Node a = node("a");
        Node b = node("b");
        a.knows(order("one"));
        a.sent.clear();

        b.seconds(10);
        b.reach(a);
        a.reach(b);

        Awaitility.await().until(() -> b.health.orders().equals(a.health.orders()));
        a.seconds(10);
        b.seconds(10);
        b.reach(a);
        a.reach(b);
        b.reach(a);
        assertThat(a.sent).isEmpty(); // Both know the same: nothing to tell.
    }

    @Test
    void givenNodesThatNeverAgree_whenDigestsAreTold_thenWhatIsToldAgainGetsRarer() {
        Node a = node("a");
        Node b = node("b");
        a.knows(order("one"));
        a.seconds(2);
        int again = 0;
        for (int i = 0; i < 64; i++) {
            b.seconds(10);
            List<Message> theirs = List.copyOf(b.sent);
            b.sent.clear();
            a.seconds(10);
            a.sent.clear();
            for (Message each : theirs)
                if (each.topic.equals("digest")) a.shared.received("digest", "b", each.bytes);
            if (a.topics().contains("orders")) again++;
        }
        assertThat(again).isBetween(5, 8); // After 0, 10, 30, 70, 150, 310, 630 s.
    }

    @Test
    void givenNodeThatStartsAgainAndAgain_whenItMeetsTheOther_thenItsKeysPushNoneOut() {
        Node a = node("a");
        a.seconds(2);
        a.sent.clear();
        byte[] before = a.tickets.export();
        for (int starts = 0; starts < 20; starts++) {
            Node b = node("b");
            assertThat(b.shared.greeting()).doesNotContainKey("tickets");
            a.shared.greeting().forEach((topic, state) -> b.shared.received(topic, "a", state));
            b.seconds(3);
            b.reach(a);
            assertThat(b.tickets.export()).isEqualTo(before);
        }
        assertThat(a.tickets.export()).isEqualTo(before);
    }

    @Test
    void givenTwoNodesThatStartAtOnce_whenTimeHasPassed_thenTheyHaveOneRing() {
        Node a = node("a");
        Node b = node("b");
        a.seconds(2);
        b.seconds(2);
        a.reach(b);
        b.reach(a);

        assertThat(a.tickets.export()).isEqualTo(b.tickets.export());
    }

    @Test
    void givenRingOfAClockFarAhead_whenReceived_thenThatIsTold() {
        Node a = node("a");
        byte[] ahead = new TicketRing(Instant.now().plus(Duration.ofHours(2))).export();

        a.shared.received("tickets", "b", ahead);

        events.await("ticket-keys-refused", "node=b");
    }

    @Test
    void givenOrderThatIsNotGood_whenReceivedAmongOthers_thenTheOthersHoldAndThatIsTold() {
        Node a = node("a");
        var bad = new Order("web", "bad", Admin.DRAINING, new Stamp(Long.MAX_VALUE, "b"));
        byte[] message = OrderBytes.write(List.of(bad, order("one"))).getFirst();

        a.shared.received("orders", "b", message);

        Awaitility.await().until(() -> a.health.orders().equals(List.of(order("one"))));
        events.await("cluster-orders-refused", "node=b", "count=1");
    }
}
