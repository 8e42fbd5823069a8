package bascule.cluster.port;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.cluster.key.ClusterKey;
import bascule.cluster.ownership.Beat;
import bascule.cluster.ownership.Claim;
import bascule.cluster.ownership.Event;
import bascule.cluster.ownership.Rules;
import bascule.cluster.port.Sessions.Outcome;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Two or three nodes without sockets: what is sent is handed over by hand, or by an enemy.
final class SessionsTest {
    private static final int A = 0;
    private static final int B = 1;
    private static final int C = 2;
    private static final long MS = 1_000_000;

    @TempDir Path folder;
    private long now = -5; // Of nanoTime: may begin anywhere.
    private ClusterKey key;
    private Node a;
    private Node b;

    private final class Node {
        final Sessions sessions;
        final List<Outcome.Heard> heard = new ArrayList<>();

        Node(int self, String cluster, ClusterKey key) {
            InetSocketAddress nowhere = InetSocketAddress.createUnresolved("nowhere", 1);
            var settings =
                    new OwnerPort.Settings(
                            cluster,
                            List.of("a", "b", "c"),
                            List.of(nowhere, nowhere, nowhere),
                            self,
                            List.of("public"),
                            key);
            sessions = new Sessions(settings, new SecureRandom(), now);
        }

        /// @return what it answers; null for nothing
        byte[] takes(byte[] datagram) {
            return takes(datagram, datagram.length, 1);
        }

        byte[] takes(byte[] datagram, int length, int source) {
            Outcome outcome = sessions.receive(datagram, length, source, false, now, heard::add);
            return outcome instanceof Outcome.Reply(_, byte[] reply, _) ? reply : null;
        }

        byte[] says(int to, long epoch) {
            return sessions.seal(to, beat(epoch), now);
        }

        long[] dropped() {
            return new long[] {
                sessions.forged.get(),
                sessions.replayed.get(),
                sessions.unknown.get(),
                sessions.malformed.get()
            };
        }

        long lastEpoch() {
            return heard.getLast().beat().claims().getFirst().epoch();
        }
    }

    @BeforeEach
    void start() throws Exception {
        key = newKey("key");
        a = new Node(A, "one", key);
        b = new Node(B, "one", key);
    }

    private ClusterKey newKey(String name) throws Exception {
        ClusterKey.generate(folder.resolve(name));
        return read(name);
    }

    private ClusterKey read(String name) {
        return ((ClusterKey.Read.Loaded) ClusterKey.read(folder.resolve(name))).key();
    }

    private static Beat beat(long epoch) {
        return new Beat(
                5,
                false,
                false,
                List.of(new Claim(Claim.Phase.OWNING, epoch, 0, -1, 1, false, -1, 0)));
    }

    /// From the hello of `x` on, until neither has an answer.
    private static int meet(Node x, Node y, byte[] hello) {
        int datagrams = 0;
        Node next = y;
        for (byte[] each = hello; each != null; next = next == x ? y : x) {
            datagrams++;
            each = next.takes(each);
        }
        return datagrams;
    }

    private void meet() {
        assertThat(meet(b, a, b.sessions.helloIfDue(A, now))).isEqualTo(3);
    }

    @Test
    void givenStrangers_whenTheyMeet_thenThreeDatagramsAndBeatsAreProven() {
        assertThat(a.says(B, 1)).isNull();

        meet();
        now += 10;
        byte[] first = a.says(B, 1);
        long sent = now;
        now += 10;
        assertThat(b.takes(first)).isNull();
        assertThat(b.heard).singleElement().matches(h -> h.provenNanos() == Event.UNPROVEN);
        assertThat(a.takes(b.says(A, 2))).isNull();

        assertThat(a.heard).singleElement().matches(h -> h.provenNanos() == sent);
        assertThat(a.heard.getFirst().from()).isEqualTo(B);
        assertThat(a.heard.getFirst().beat()).isEqualTo(beat(2));
        assertThat(a.dropped()).containsOnly(0);
        assertThat(b.dropped()).containsOnly(0);
    }

    @Test
    void givenSession_whenReplayedOrLate_thenNeverHeardTwiceAndLateOnesOnlyProve() {
        meet();
        byte[] challenged = b.says(A, 1);
        now += MS;
        byte[] before = a.says(B, 1); // Echoes nothing.
        a.takes(challenged);
        byte[] late = a.says(B, 2);
        long challengedAgain = now;
        a.takes(b.says(A, 2));
        byte[] newest = a.says(B, 3);

        now += MS;
        b.takes(newest);
        b.takes(late);
        b.takes(before);
        assertThat(b.heard).singleElement().matches(h -> h.provenNanos() == challengedAgain);
        assertThat(b.sessions.replayed).hasValue(0);
        b.takes(late);
        b.takes(before);
        b.takes(newest);
        assertThat(b.sessions.replayed).hasValue(3);
        assertThat(b.heard).hasSize(1);
    }

    @Test
    void givenChallengeOfLongAgo_whenEchoed_thenItProvesNothing() {
        meet();
        a.takes(b.says(A, 1));
        byte[] echoing = a.says(B, 2);
        byte[] again = a.says(B, 3);
        for (int i = 0; i < 63; i++) b.says(A, 2);
        b.takes(echoing);
        assertThat(b.heard.getLast().provenNanos()).isEqualTo(now);

        b = new Node(B, "one", key);
        meet();
        a.takes(b.says(A, 1));
        byte[] late = a.says(B, 2);
        for (int i = 0; i < 64; i++) b.says(A, 2);
        b.takes(late);
        b.takes(again);
        assertThat(b.heard).singleElement().matches(h -> h.provenNanos() == Event.UNPROVEN);
    }

    @Test
    void givenDatagramsOlderThanTheWindow_whenTheyCome_thenDropped() {
        meet();
        byte[] old = a.says(B, 1);
        byte[] last = null;
        for (int i = 0; i < 64; i++) last = a.says(B, 2);
        b.takes(last);

        b.takes(old);

        assertThat(b.sessions.replayed).hasValue(1);
    }

    @Test
    void givenRestartOfReceiver_whenOldDatagramsComeAgain_thenNoneIsHeard() {
        meet();
        List<byte[]> recorded = new ArrayList<>();
        for (int i = 0; i < 20; i++) recorded.add(a.says(B, 7));

        b = new Node(B, "one", key);
        for (byte[] each : recorded) b.takes(each);
        assertThat(b.heard).isEmpty();
        assertThat(meet(b, a, b.sessions.helloIfDue(A, now))).isEqualTo(3);
        for (byte[] each : recorded) b.takes(each);
        assertThat(b.heard).isEmpty();
        b.takes(a.says(B, 8));
        assertThat(b.lastEpoch()).isEqualTo(8);
    }

    @Test
    void
            givenRestartOfSender_whenItsOldDatagramsAndHellosComeAgain_thenNoneIsHeardAndTheSessionStays() {
        byte[] oldHello = b.sessions.helloIfDue(A, now);
        byte[] answer = a.takes(oldHello);
        byte[] oldProof = b.takes(answer);
        a.takes(oldProof);
        List<byte[]> recorded = new ArrayList<>();
        for (int i = 0; i < 20; i++) recorded.add(b.says(A, 7));
        byte[] lost = b.says(A, 9); // Never arrived.
        for (byte[] each : recorded) a.takes(each);
        assertThat(a.heard).hasSize(20);

        b = new Node(B, "one", key);
        meet();
        a.takes(b.says(A, 100));
        a.heard.clear();
        recorded.add(lost);
        recorded.add(oldHello);
        recorded.add(oldProof); // Its token is not a second old.
        for (byte[] each : recorded) a.takes(each);

        assertThat(a.heard).isEmpty();
        assertThat(a.sessions.replayed.get()).isGreaterThanOrEqualTo(2);
        a.takes(b.says(A, 101));
        assertThat(a.lastEpoch()).isEqualTo(101);
        assertThat(b.takes(a.says(B, 5))).isNull();
        assertThat(b.lastEpoch()).isEqualTo(5);
    }

    @Test
    void givenCopyOfAHostThatIsGoneAgain_whenTheOriginalSpeaks_thenBelievedAndNothingOfItTwice() {
        meet();
        byte[] early = a.says(B, 1);
        assertThat(b.takes(early)).isNull();
        Node copy = new Node(A, "one", key);
        assertThat(meet(copy, b, copy.sessions.helloIfDue(B, now))).isEqualTo(3);
        now += 9_999 * MS;
        byte[] last = copy.says(B, 2);
        assertThat(b.takes(last)).isNull();
        now += 9_999 * MS; // Less than 10 s of silence.
        assertThat(b.takes(a.sessions.helloIfDue(B, now))).isNull();
        assertThat(b.sessions.replayed.get()).isEqualTo(1);
        now += 101 * MS;

        meet(a, b, a.sessions.helloIfDue(B, now));
        b.heard.clear();
        b.takes(early);
        b.takes(last);
        assertThat(b.heard).isEmpty();
        b.takes(a.says(B, 3));
        assertThat(b.lastEpoch()).isEqualTo(3);
    }

    @Test
    void givenHelloWithAnOldToken_whenItComesLate_thenNoSession() {
        byte[] answer = a.takes(b.sessions.helloIfDue(A, now));
        byte[] proof = b.takes(answer);
        now += 2_000 * MS;

        byte[] reply = a.takes(proof);

        assertThat(a.says(B, 1)).isNull();
        assertThat(reply).isNotNull(); // But it gives another chance,
        assertThat(a.takes(b.takes(reply))).isNull();
        assertThat(a.says(B, 1)).isNotNull(); // which is taken.
    }

    @Test
    void givenSessionThatComesBack_whenSealed_thenNoCounterIsUsedTwice() {
        meet();
        byte[] first = a.says(B, 1);
        b = new Node(B, "one", key);
        meet();
        byte[] second = a.says(B, 1);

        assertThat(counter(second)).isGreaterThan(counter(first));
    }

    private static long counter(byte[] datagram) {
        return ByteBuffer.wrap(datagram).getLong(18);
    }

    @Test
    void givenPeerThatRestarted_whenItsBeatsAreUnknown_thenHelloAndBackInOneExchange() {
        meet();
        b = new Node(B, "one", key);

        byte[] hello = b.takes(a.says(B, 1));

        assertThat(b.sessions.unknown).hasValue(1);
        assertThat(hello).hasSize(Hello.BYTES);
        meet(b, a, hello);
        b.takes(a.says(B, 2));
        assertThat(b.lastEpoch()).isEqualTo(2);
    }

    @Test
    void givenWrongKey_whenSpoken_thenForgedAndNothingHeard() throws Exception {
        Node stranger = new Node(B, "one", newKey("other"));
        assertThat(a.takes(stranger.sessions.helloIfDue(A, now))).isNull();
        assertThat(a.sessions.forged).hasValue(1);
        meet();
        Node friendOfStranger = new Node(A, "one", read("other"));
        meet(stranger, friendOfStranger, stranger.sessions.helloIfDue(A, now += 100 * MS));

        a.takes(stranger.says(A, 66));

        assertThat(a.sessions.unknown).hasValue(1);
        assertThat(a.heard).isEmpty();
    }

    @Test
    void givenOtherClusterWithTheSameKey_whenSpoken_thenNotForUs() {
        Node other = new Node(B, "two", key);
        assertThat(a.takes(other.sessions.helloIfDue(A, now))).isNull();
        assertThat(a.sessions.malformed).hasValue(1);

        // Even if it is given out for one of ours:
        byte[] hello = other.sessions.helloIfDue(A, now += 100 * MS);
        byte[] ours = b.sessions.helloIfDue(A, now);
        System.arraycopy(ours, 2, hello, 2, 16);
        assertThat(a.takes(hello)).isNull();
        assertThat(a.sessions.forged).hasValue(1);
    }

    @Test
    void givenOwnDatagrams_whenReflected_thenMalformed() {
        meet();

        assertThat(a.takes(a.says(B, 1))).isNull();
        assertThat(a.takes(a.sessions.helloIfDue(B, now))).isNull();
        assertThat(a.sessions.malformed).hasValue(2);

        byte[] disguised = a.says(B, 1); // As if B had said it, in the session as it stands there.
        byte[] ofB = b.says(A, 1);
        System.arraycopy(ofB, 2, disguised, 2, 8);
        a.takes(disguised);
        assertThat(a.sessions.unknown).hasValue(1);
        System.arraycopy(ofB, 10, disguised, 10, 8);
        a.takes(disguised);
        assertThat(a.sessions.forged).hasValue(1);
        assertThat(a.heard).isEmpty();
    }

    @Test
    void givenDatagramOfOneNode_whenPresentedAsAnothers_thenNotHeard() {
        Node c = new Node(C, "one", key);
        meet();
        meet(c, a, c.sessions.helloIfDue(A, now));
        byte[] ofB = b.says(A, 1);
        byte[] ofC = c.says(A, 1);

        byte[] disguised = ofB.clone();
        System.arraycopy(ofC, 2, disguised, 2, 8);
        a.takes(disguised);
        assertThat(a.sessions.unknown).hasValue(1);
        System.arraycopy(ofC, 10, disguised, 10, 8);
        a.takes(disguised);
        assertThat(a.sessions.forged).hasValue(1);
        assertThat(a.heard).isEmpty();

        // What was said to another one.
        meet(c, b, c.sessions.helloIfDue(B, now));
        a.takes(c.says(B, 1));
        assertThat(a.sessions.unknown).hasValue(2);
        a.takes(c.sessions.helloIfDue(B, now += 100 * MS));
        assertThat(a.sessions.malformed).hasValue(1);
    }

    @Test
    void givenAnyBitFlipped_whenTaken_thenNotHeardAndTheGenuineOneStillIs() {
        meet();
        byte[] genuine = b.says(A, 1);
        for (int bit = 0; bit < genuine.length * 8; bit++) {
            byte[] forged = genuine.clone();
            forged[bit / 8] ^= (byte) (1 << bit % 8);
            a.takes(forged);
        }
        assertThat(a.heard).isEmpty();
        a.takes(genuine);
        assertThat(a.heard).hasSize(1);
    }

    @Test
    void givenAnyBitOfHelloFlipped_whenTaken_thenNoAnswer() {
        byte[] genuine = b.sessions.helloIfDue(A, now);
        for (int bit = 0; bit < genuine.length * 8; bit++) {
            byte[] forged = genuine.clone();
            forged[bit / 8] ^= (byte) (1 << bit % 8);
            assertThat(a.takes(forged)).as("%d", bit).isNull();
        }
        assertThat(a.takes(genuine)).isNotNull();
    }

    @Test
    void givenDatagramsCutAnywhere_whenTaken_thenNotHeard() {
        byte[] hello = b.sessions.helloIfDue(A, now);
        for (int length = 0; length < hello.length; length++)
            assertThat(a.takes(hello, length, 1)).isNull();
        meet(b, a, hello);
        byte[] genuine = b.says(A, 1);
        for (int length = 0; length < genuine.length; length++) a.takes(genuine, length, 1);
        assertThat(a.heard).isEmpty();
        a.takes(Arrays.copyOf(genuine, 1300), 1300, 1);
        assertThat(a.heard).isEmpty();
        a.takes(genuine);
        assertThat(a.heard).hasSize(1);
    }

    @Test
    void givenGarbage_whenTaken_thenNothingHeardAndCounted() {
        meet();
        var random = new Random(3);
        byte[] head = b.says(A, 1);
        for (int round = 0; round < 50_000; round++) {
            byte[] garbage = new byte[random.nextInt(1300)];
            random.nextBytes(garbage);
            int keep =
                    random.nextInt(4)
                            * 9; // Of a genuine head: none, type and sender, session, all.
            System.arraycopy(head, 0, garbage, 0, Math.min(Math.min(keep, 26), garbage.length));
            a.takes(garbage, garbage.length, random.nextInt());
        }
        assertThat(a.heard).isEmpty();
        long sum = 0;
        for (long each : a.dropped()) sum += each;
        assertThat(sum).isEqualTo(50_000);
        a.takes(b.says(A, 2));
        assertThat(a.heard).hasSize(1);
    }

    @Test
    void givenReplayedHellos_whenFlooded_thenTenAnswersPerSourceAndTheNodesStillMeet() {
        byte[] recorded = b.sessions.helloIfDue(A, now);
        b = new Node(B, "one", key); // It was of an earlier boot.

        int toSource = 0;
        int toNode = 0;
        for (int i = 0; i < 2000; i++) {
            Outcome outcome =
                    a.sessions.receive(recorded, recorded.length, 9, false, now, a.heard::add);
            if (!(outcome instanceof Outcome.Reply(_, _, boolean byItsWay))) continue;
            if (byItsWay) toSource++;
            else toNode++;
        }
        assertThat(toSource).isEqualTo(10);
        assertThat(toNode).isEqualTo(990);

        // The limit is used up; what A begins by itself does not need it.
        assertThat(a.takes(b.sessions.helloIfDue(A, now))).isNull();
        meet(a, b, a.sessions.helloIfDue(B, now));
        b.takes(a.says(B, 1));
        a.takes(b.says(A, 2));
        assertThat(b.heard).hasSize(1);
        assertThat(a.heard).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {500, 20_000})
    void givenFloodOfForgedBeats_whenANodeRestarts_thenTheyMeetWithinThreeTenthsOfASecond(
            int perSecond) {
        meet();
        var random = new Random(1);
        long flooded = now;
        for (int ms = 0; ms < 2000; ms++, now += MS) flooded = flood(random, perSecond, flooded);
        b = new Node(B, "one", key);
        int passed = 0;
        for (; passed < 300 && (a.heard.isEmpty() || b.heard.isEmpty()); passed++, now += MS) {
            flooded = flood(random, perSecond, flooded);
            for (Node each : List.of(a, b)) {
                Node other = each == a ? b : a;
                byte[] hello = each.sessions.helloIfDue(each == a ? B : A, now);
                if (hello != null) meet(each, other, hello);
                byte[] says = each.says(each == a ? B : A, 7);
                if (says != null) other.takes(says);
            }
        }
        assertThat(a.heard).isNotEmpty();
        assertThat(b.heard).isNotEmpty();
    }

    /// Up to now, at uneven times.
    private long flood(Random random, int perSecond, long flooded) {
        long last = flooded;
        for (; last < now; last += 1 + random.nextLong(2_000_000_000L / perSecond))
            for (Node each : List.of(a, b)) {
                byte[] forged = new byte[60];
                random.nextBytes(forged);
                byte[] head =
                        (each == a ? b : a).sessions.sealOrHello(each == a ? A : B, beat(1), now);
                System.arraycopy(head, 0, forged, 0, 10);
                forged[1] = 2;
                each.takes(forged, 60, random.nextInt());
            }
        return last;
    }

    @Test
    void givenFloodOfForgedBeats_whenOnlyTheMembershipIsLeft_thenTheyMeetByIt() {
        for (int i = 0; i < 1000; i++) {
            byte[] forged = b.sessions.sealOrHello(A, beat(1), now).clone();
            forged[1] = 2;
            a.takes(forged, 60, i);
        }
        for (int turn = 0; turn < 5; turn++) {
            byte[] ofA = a.sessions.sealOrHello(B, beat(1), now);
            b.sessions.receive(ofA, ofA.length, 0, true, now, b.heard::add);
            byte[] ofB = b.sessions.sealOrHello(A, beat(2), now);
            a.sessions.receive(ofB, ofB.length, 0, true, now, a.heard::add);
        }
        assertThat(a.heard).isNotEmpty();
        assertThat(b.heard).isNotEmpty();
    }

    @Test
    void givenNoAnswer_whenHelloIsDue_thenTenPerSecondAndNoneOnceProven() {
        int said = 0;
        for (int i = 0; i < 400; i++, now += 25 * MS)
            if (a.sessions.helloIfDue(B, now) != null) said++;
        assertThat(said).isEqualTo(100);

        meet();
        b.takes(a.says(B, 1));
        a.takes(b.says(A, 2));
        now += 99 * MS;
        assertThat(a.sessions.helloIfDue(B, now)).isNull();
        now += 1 * MS;
        assertThat(a.sessions.helloIfDue(B, now)).isNotNull();
    }

    @Test
    void givenKeysBeingChanged_whenOneNodeIsAhead_thenBothHear() throws Exception {
        newKey("new");
        String old = Files.readString(folder.resolve("key"));
        String next = Files.readString(folder.resolve("new"));
        Files.writeString(folder.resolve("new"), next + old);
        Files.writeString(folder.resolve("key"), old + next);
        a = new Node(A, "one", read("key"));
        b = new Node(B, "one", read("new"));

        meet();
        a.takes(b.says(A, 1));
        b.takes(a.says(B, 2));

        assertThat(a.heard).hasSize(1);
        assertThat(b.heard).hasSize(1);
    }

    @Test
    void givenOnlyAnotherTransport_whenBeatsGoThere_thenTheyMeetAndAreHeard() {
        for (int turn = 0; turn < 5; turn++, now += 25 * MS) {
            byte[] ofA = a.sessions.sealOrHello(B, beat(1), now);
            b.sessions.receive(ofA, ofA.length, 0, true, now, b.heard::add);
            byte[] ofB = b.sessions.sealOrHello(A, beat(2), now);
            a.sessions.receive(ofB, ofB.length, 0, true, now, a.heard::add);
        }
        assertThat(a.heard).isNotEmpty();
        assertThat(b.heard).isNotEmpty();
        assertThat(b.heard.getLast().provenNanos()).isNotEqualTo(Event.UNPROVEN);
        b = new Node(B, "one", key);
        for (int turn = 0; turn < 5; turn++, now += 25 * MS) {
            byte[] ofA = a.sessions.sealOrHello(B, beat(1), now);
            b.sessions.receive(ofA, ofA.length, 0, true, now, b.heard::add);
            byte[] ofB = b.sessions.sealOrHello(A, beat(2), now);
            a.sessions.receive(ofB, ofB.length, 0, true, now, a.heard::add);
        }
        assertThat(b.heard).isNotEmpty();
    }

    @Test
    void givenSixtyFourFloatingIps_whenSealed_thenWithin1200Bytes() {
        List<String> ips = IntStream.range(0, 64).mapToObj(i -> "ip" + i).toList();
        InetSocketAddress nowhere = InetSocketAddress.createUnresolved("nowhere", 1);
        List<Sessions> both = new ArrayList<>();
        for (int self = 0; self < 2; self++)
            both.add(
                    new Sessions(
                            new OwnerPort.Settings(
                                    "one",
                                    List.of("a", "b"),
                                    List.of(nowhere, nowhere),
                                    self,
                                    ips,
                                    key),
                            new SecureRandom(),
                            now));
        byte[] hello = both.get(0).helloIfDue(1, now);
        for (int turn = 1; hello != null; turn++) {
            Outcome outcome =
                    both.get(turn % 2).receive(hello, hello.length, 1, false, now, _ -> {});
            hello = outcome instanceof Outcome.Reply(_, byte[] reply, _) ? reply : null;
        }
        List<Claim> claims = new ArrayList<>();
        for (int i = 0; i < 64; i++) claims.add(beat(Rules.EPOCH_MOST).claims().getFirst());

        assertThat(both.get(0).seal(1, new Beat(1, true, true, claims), now)).hasSize(1119);
    }
}
