package bascule.node;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.listen.OwnPorts;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// A check before a queue of the kernel's, which the test lets through or not. Time is what the test says.
@Timeout(60)
final class DoorCheckTest {
    private static final long MS = 1_000_000;
    private static final long LOOK = 50 * MS;

    private final LoopBeats beats = new LoopBeats(List.of()); // Nobody is ever stuck.
    private final List<SocketChannel> crowd = new ArrayList<>();
    private Selector selector;
    private ServerSocket door;
    private DoorCheck check;
    private OwnPorts ports;
    private long now;
    private long came;

    @BeforeEach
    void open() throws IOException {
        selector = Selector.open();
        ports = new OwnPorts();
        door = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"));
        check =
                new DoorCheck(
                        (InetSocketAddress) door.getLocalSocketAddress(), ports, selector, beats);
    }

    @AfterEach
    void close() throws IOException {
        check.stop();
        for (SocketChannel each : crowd) each.close();
        door.close();
        selector.close();
    }

    private void look() throws IOException {
        now += LOOK;
        beats.tick(LOOK);
        check.tick(now, LOOK, came);
        selector.selectNow(key -> ((DoorCheck) key.attachment()).ready(key));
    }

    private void looks(long millis) throws IOException {
        for (long passed = 0; passed < millis; passed += 50) look();
    }

    /// Asks, and is answered in time.
    private void answer() throws IOException {
        look();
        letIn();
        look(); // A question may have been given up just then.
    }

    /// Takes everybody off the queue who is in it, and answers who asks.
    private void letIn() throws IOException {
        door.setSoTimeout(200);
        while (true) {
            try (Socket client = door.accept()) {
                client.getOutputStream()
                        .write("HTTP/1.1 204 No Content\r\n\r\n".getBytes(US_ASCII));
                selector.select(key -> ((DoorCheck) key.attachment()).ready(key), 200);
            } catch (java.net.SocketTimeoutException _) {
                return;
            }
        }
    }

    /// More than the queue takes.
    private void comeAll() throws IOException {
        for (int i = 0; i < 4; i++) {
            SocketChannel client = SocketChannel.open();
            client.configureBlocking(false);
            client.connect(door.getLocalSocketAddress());
            crowd.add(client);
        }
    }

    private void goAll() throws IOException {
        for (SocketChannel each : crowd) each.close();
        crowd.clear();
    }

    @Test
    void givenDoor_whenItHasNotBeenAsked_thenThatIsAFault() throws IOException {
        assertEquals("has not been asked yet", check.fault());
        answer();
        assertNull(check.fault());
        assertFalse(check.isBusy());
    }

    @Test
    void givenQueueThatIsFull_whenClientsComeThroughAllTheSame_thenTheDoorIsBusyAndNeverAtFault()
            throws IOException {
        answer();
        comeAll();
        looks(200);
        for (int i = 0; i < 200; i++) {
            came++;
            look();
            assertTrue(check.isBusy(), "look " + i);
            assertNull(check.fault(), "look " + i);
        }
    }

    @Test
    void givenQueueThatIsFull_whenNobodyComesThrough_thenBusyAtFirstAndAtFaultAfterASecondAndAHalf()
            throws IOException {
        answer();
        comeAll();
        looks(200);
        assertTrue(check.isBusy());
        assertNull(check.fault());
        looks(1200);
        assertNull(check.fault());
        looks(300);
        assertThat(check.fault())
                .matches(
                        "no answer from 127.0.0.1:\\d+ within 100 ms, and no client came in for 1500 ms");
        came++; // One is enough to show that it works.
        look();
        looks(100);
        assertNull(check.fault());
    }

    @Test
    void givenCrowdThatHasGoneElsewhere_whenTheDoorAnswersAgain_thenItRestsAndLongerEachTime()
            throws IOException {
        answer();
        long before = 0;
        for (int times = 0; times < 3; times++) {
            comeAll();
            looks(500);
            goAll();
            letIn();
            answer();
            assertNull(check.fault());
            long rest = 0;
            while (check.isBusy()) {
                answerWithoutWaiting();
                rest += 50;
            }
            assertThat(rest).isGreaterThan(before + before / 2).isLessThan(100_000);
            before = rest;
        }
        assertThat(before).isGreaterThan(30_000);
    }

    /// Time passes in which nothing is the matter.
    private void answerWithoutWaiting() throws IOException {
        look();
        door.setSoTimeout(5000);
        try (Socket client = door.accept()) {
            client.getOutputStream().write("HTTP/1.1 204 No Content\r\n\r\n".getBytes(US_ASCII));
            int at = selector.select(key -> ((DoorCheck) key.attachment()).ready(key), 5000);
            while (selector.keys().stream().anyMatch(key -> key.isValid()) && at < 100) {
                selector.select(key -> ((DoorCheck) key.attachment()).ready(key), 100);
                at++;
            }
        }
    }

    @Test
    void givenShortHiccup_whenItIsOver_thenNothingIsRemembered() throws IOException {
        answer();
        looks(100);
        assertTrue(check.isBusy());
        letIn();
        answer();
        assertFalse(check.isBusy());
    }

    /// As by the daemon's own filter: a full queue drops the SYN as well.
    @Test
    void givenAddressThatKeepsSilent_whenTheQuestionWasNotAnswered_thenNothingIsHeldAgainstTheDoor()
            throws IOException {
        answer();
        comeAll();
        look();
        for (int i = 0; i < 100; i++) {
            now += LOOK;
            beats.tick(LOOK);
            check.rest(now, LOOK);
            assertFalse(check.isBusy(), "look " + i);
            assertNull(check.fault(), "look " + i);
        }
        goAll();
        letIn();
        answer();
        assertFalse(check.isBusy());
        assertNull(check.fault());
    }

    @Test
    void givenQuestionInTheQueue_whenItsAddressKeepsSilent_thenItsPortIsHeldUntilItComesOut()
            throws IOException {
        answer();
        look(); // Asks, and waits in the queue.
        check.rest(now, LOOK);
        assertThat(selector.keys()).hasSize(1).allMatch(key -> key.isValid());
        letIn();

        assertThat(selector.keys()).noneMatch(key -> key.isValid());
    }

    @Test
    void givenQuestionThatWasGivenUp_whenItComesOutOfTheQueue_thenItsPortWasHeldUntilThen()
            throws Exception {
        answer();
        look(); // Asks, and waits in the queue.
        looks(10_000);
        assertThat(selector.keys()).hasSize(2); // Kept: nobody else can have its port.
        letIn();

        assertThat(selector.keys()).noneMatch(key -> key.isValid());
    }

    @Test
    void givenQuestionThatWasGivenUp_whenItNeverComesOut_thenItIsKeptForAMinute() throws Exception {
        answer();
        looks(10_100);
        assertThat(selector.keys()).hasSize(2);
        looks(70_000);
        assertThat(selector.keys().size()).isLessThanOrEqualTo(8); // One each ten seconds.
    }

    @Test
    void givenDoorWhereNobodyListens_whenAsked_thenThatIsAFaultAtOnce() throws IOException {
        answer();
        door.close();
        look();
        look();
        assertThat(check.fault()).contains("refused");
    }
}
