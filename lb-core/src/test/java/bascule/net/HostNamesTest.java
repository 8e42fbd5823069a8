package bascule.net;

import static org.assertj.core.api.Assertions.assertThat;

import bascule.net.NameEvent.Changed;
import bascule.net.NameEvent.NotResolved;
import bascule.net.NameEvent.Resolved;
import bascule.net.NameEvent.TooMany;
import bascule.net.NameLookup.Answer;
import bascule.net.NameLookup.Found;
import bascule.net.NameLookup.Found.Addresses;
import bascule.net.NameLookup.Found.Nothing;
import bascule.net.NameLookup.Found.Trouble;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class HostNamesTest {
    private static final Nothing NO_ADDRESS = new Nothing("no-address");
    private static final Nothing NXDOMAIN = new Nothing("nxdomain");
    private static final Trouble TIMEOUT = new Trouble("timeout");

    /// The clock stands still but for [#pass].
    private final EmbeddedChannel clock = new EmbeddedChannel();

    private final Lookups lookups = new Lookups();
    private final List<NameEvent> events = new ArrayList<>();
    private int changes;
    private double random;
    private final HostNames names =
            new HostNames(clock.eventLoop(), lookups, () -> changes++, events::add, () -> random);

    private record Lookup(String host, boolean hadIpv6, Consumer<Answer> heard) {}

    /// Answered by the test.
    private static final class Lookups implements NameLookup {
        final List<Lookup> open = new ArrayList<>();
        int begun;
        boolean closed;
        Throwable bug;

        @Override
        public void find(String host, boolean hadIpv6, Consumer<Answer> heard) {
            begun++;
            if (bug instanceof Error error) throw error;
            if (bug instanceof RuntimeException exception) throw exception;
            open.add(new Lookup(host, hadIpv6, heard));
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    @BeforeEach
    void freeze() {
        clock.freezeTime();
    }

    @AfterEach
    void end() {
        names.close();
        clock.runPendingTasks();
        clock.close();
    }

    @Test
    void givenNames_whenAllAreAnswered_thenTheWatcherHearsAndReadsThem() {
        CompletableFuture<Void> answered = watch("a", "b");
        assertThat(names.addresses("a")).isEmpty();

        answer("a", ipv4(60, "192.0.2.2", "192.0.2.1", "192.0.2.2"), ipv6(60, "2001:db8::1"));
        assertThat(answered).isNotDone();
        answer("b", TIMEOUT, TIMEOUT);

        assertThat(answered).isCompleted();
        assertThat(names.addresses("a")).isEqualTo(of("192.0.2.1", "192.0.2.2", "2001:db8::1"));
        assertThat(names.addresses("b")).isEmpty();
        assertThat(names.addresses("c")).isEmpty();
        assertThat(changes).isEqualTo(1); // Once for both; whoever gave up waiting needs to know.
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "1, 1", "20, 20", "300, 300", "86400, 300"})
    void givenAnswer_whenItsTtlIsOver_thenAskedAgainAndNotBefore(long ttl, long seconds) {
        watch("a");
        answer("a", ipv4(ttl, "192.0.2.1"), NO_ADDRESS);

        pass(seconds * 1000 - 1);
        assertThat(lookups.open).isEmpty();
        pass(1);
        assertThat(lookups.open).hasSize(1);
    }

    @Test
    void givenTwoFamilies_whenTheirTtlsDiffer_thenTheShorterCounts() {
        watch("a");
        answer("a", ipv4(60, "192.0.2.1"), ipv6(5, "2001:db8::1"));

        pass(5000);

        assertThat(lookups.open).hasSize(1);
    }

    @Test
    void givenJitter_whenTtlIsOver_thenAskedAtMostATenthLater() {
        random = 0.999;
        watch("a");
        answer("a", ipv4(100, "192.0.2.1"), NO_ADDRESS);

        pass(109_800);
        assertThat(lookups.open).isEmpty();
        pass(200);
        assertThat(lookups.open).hasSize(1);
    }

    @Test
    void givenSeveralChanges_whenTheyComeTogether_thenToldOnce() {
        watchAnswered("a", "b", "c");
        pass(60_000);

        List.copyOf(lookups.open)
                .forEach(
                        open ->
                                open.heard.accept(
                                        new Answer(
                                                ipv4(
                                                        60,
                                                        open.host.equals("c")
                                                                ? "192.0.2.1"
                                                                : "192.0.2.9"),
                                                NO_ADDRESS)));
        lookups.open.clear();
        clock.runPendingTasks();

        assertThat(changes).isEqualTo(2); // The first answers, and these.
        assertThat(names.addresses("a")).isEqualTo(of("192.0.2.9"));
    }

    @Test
    void givenSameAddressesInAnotherOrder_whenAnswered_thenNothingChanged() {
        watch("a");
        answer("a", ipv4(60, "192.0.2.1", "192.0.2.2"), NO_ADDRESS);
        pass(60_000);
        answer("a", ipv4(60, "192.0.2.2", "192.0.2.1"), NO_ADDRESS);

        assertThat(changes).isEqualTo(1);
        assertThat(events).hasSize(1);
    }

    static List<Answer> failures() {
        return List.of(
                new Answer(TIMEOUT, TIMEOUT),
                new Answer(NXDOMAIN, NXDOMAIN),
                new Answer(NO_ADDRESS, NO_ADDRESS),
                new Answer(NO_ADDRESS, TIMEOUT),
                new Answer(TIMEOUT, NXDOMAIN));
    }

    @ParameterizedTest
    @MethodSource("failures")
    void givenGoodAnswer_whenAllLaterOnesFailForADay_thenItStaysInUse(Answer failure) {
        watch("a");
        answer("a", ipv4(60, "192.0.2.1"), ipv6(60, "2001:db8::1"));
        for (int minute = 0; minute < 24 * 60; minute++) {
            pass(60_000);
            answer("a", failure.ipv4(), failure.ipv6());
        }

        assertThat(names.addresses("a")).isEqualTo(of("192.0.2.1", "2001:db8::1"));
        assertThat(changes).isEqualTo(1);
        assertThat(events.getLast()).isInstanceOf(NotResolved.class);
        assertThat(events).hasSize(2);
    }

    @Test
    void givenFailures_whenTheyGoOn_thenAskedLessAndLessOften() {
        watch("a");
        answer("a", TIMEOUT, TIMEOUT);
        for (long seconds : new long[] {1, 2, 4, 8, 16, 30, 30, 30}) {
            pass(seconds * 1000 - 1);
            assertThat(lookups.open).as("after %s s", seconds).isEmpty();
            pass(1);
            answer("a", TIMEOUT, TIMEOUT);
        }
        pass(30_000);
        answer("a", ipv4(60, "192.0.2.1"), NO_ADDRESS);
        pass(60_000);
        answer("a", TIMEOUT, TIMEOUT);
        pass(1000);

        assertThat(lookups.open).hasSize(1); // A success forgets them.
    }

    @Test
    void givenTwoFamilies_whenOneCannotBeAskedAbout_thenItStaysAndTheOtherIsTaken() {
        watch("a");
        answer("a", ipv4(60, "192.0.2.1"), ipv6(60, "2001:db8::1"));
        pass(60_000);
        answer("a", ipv4(60, "192.0.2.2"), TIMEOUT);

        assertThat(names.addresses("a")).isEqualTo(of("192.0.2.2", "2001:db8::1"));
        assertThat(events).contains(new NotResolved("a", "timeout", 2));
        pass(1000);
        assertThat(lookups.open).hasSize(1); // By backoff, not by TTL.
    }

    @Test
    void givenTwoFamilies_whenOneIsGoneAndTheOtherAnswers_thenItGoes() {
        watch("a");
        answer("a", ipv4(60, "192.0.2.1"), ipv6(60, "2001:db8::1"));
        pass(60_000);
        answer("a", ipv4(60, "192.0.2.1"), NO_ADDRESS);

        assertThat(names.addresses("a")).isEqualTo(of("192.0.2.1"));
        assertThat(changes).isEqualTo(2);
    }

    @Test
    void givenServerThatFailsForAaaaOnly_whenNoneWasEverThere_thenThatIsNoFailure() {
        watch("a");
        answer("a", ipv4(60, "192.0.2.1"), new Trouble("servfail"));

        assertThat(events).containsExactly(new Changed("a", of("192.0.2.1")));
        pass(59_999);
        assertThat(lookups.open).isEmpty();
    }

    @Test
    void givenNameWithIpv6_whenAskedAgain_thenTheLookupKnows() {
        watch("a");
        answer("a", ipv4(60, "192.0.2.1"), ipv6(60, "2001:db8::1"));
        pass(60_000);

        assertThat(lookups.open.getFirst().hadIpv6).isTrue();
    }

    @Test
    void givenReload_whenNamesComeAndGo_thenThoseThatStayKeepTheirAnswer() {
        watchAnswered("a", "b");
        int before = lookups.begun;

        CompletableFuture<Void> answered = watch("b", "c");

        assertThat(lookups.begun).isEqualTo(before + 1);
        assertThat(lookups.open.getFirst().host).isEqualTo("c");
        assertThat(names.addresses("a")).isEmpty();
        assertThat(names.addresses("b")).isEqualTo(of("192.0.2.1"));
        assertThat(answered).isNotDone();
        answer("c", ipv4(60, "192.0.2.3"), NO_ADDRESS);
        assertThat(answered).isCompleted();
        pass(60_000);
        assertThat(lookups.open).extracting(Lookup::host).containsExactlyInAnyOrder("b", "c");
    }

    @Test
    void givenNameThatWasDropped_whenItsAnswerComes_thenNobodyHears() {
        CompletableFuture<Void> first = watch("a");
        Lookup late = lookups.open.removeFirst();
        CompletableFuture<Void> second = watch();

        assertThat(first).isCompleted();
        assertThat(second).isCompleted();
        late.heard.accept(new Answer(ipv4(1, "192.0.2.1"), NO_ADDRESS));
        pass(10_000);
        assertThat(names.addresses("a")).isEmpty();
        assertThat(events).isEmpty();
        assertThat(lookups.begun).isEqualTo(1);
    }

    @Test
    void givenChangeWhileAWatchWaits_whenItEnds_thenTheChangeIsTold() {
        watchAnswered("a");
        pass(60_000);
        watch("a", "b");
        answer("a", ipv4(60, "192.0.2.9"), NO_ADDRESS);
        assertThat(changes).isEqualTo(1);

        answer("b", ipv4(60, "192.0.2.2"), NO_ADDRESS);

        assertThat(changes).isEqualTo(2);
    }

    @Test
    void givenWatcherThatGaveUpEarly_whenTheFirstAnswerComes_thenTheChangeIsTold() {
        watch("a");
        pass(7000); // Whoever asked waits for five seconds.

        answer("a", ipv4(60, "192.0.2.1"), NO_ADDRESS);

        assertThat(changes).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void givenLookupsThatThrow_whenTheyDoSoNoMore_thenEachNameIsAskedForAgain(boolean error) {
        int count = 3 * HostNames.MOST_LOOKUPS;
        lookups.bug = error ? new AssertionError("bug") : new IllegalStateException("bug");
        CompletableFuture<Void> answered =
                watch(IntStream.range(0, count).mapToObj(i -> "n" + i).toArray(String[]::new));
        assertThat(answered).isCompleted();
        assertThat(events).hasSize(count).contains(new NotResolved("n7", "broken", 0));

        lookups.bug = null;
        pass(1000);
        int heard = 0;
        for (; !lookups.open.isEmpty(); heard++)
            answer(lookups.open.getFirst().host, ipv4(60, "192.0.2.1"), NO_ADDRESS);

        assertThat(heard).isEqualTo(count);
    }

    @Test
    void givenAnswerThatNeverComes_whenTimeIsUp_thenTheWatcherWaitsNoLongerAndHearsLater() {
        CompletableFuture<Void> answered = watch("a");
        pass(9999);
        assertThat(answered).isNotDone();
        pass(1);
        assertThat(answered).isCompleted();

        answer("a", ipv4(60, "192.0.2.1"), NO_ADDRESS);

        assertThat(changes).isEqualTo(1);
    }

    @Test
    void givenNameThatFailedFirst_whenItIsFoundLater_thenTheChangeIsTold() {
        watch("a");
        answer("a", TIMEOUT, TIMEOUT);
        pass(1000);
        answer("a", ipv4(60, "192.0.2.1"), NO_ADDRESS);

        assertThat(changes).isEqualTo(1);
        assertThat(events)
                .containsExactly(
                        new NotResolved("a", "timeout", 0),
                        new Changed("a", of("192.0.2.1")),
                        new Resolved("a"));
    }

    @Test
    void givenManyNames_whenWatched_thenFewAreAskedForAtATime() {
        String[] hosts = IntStream.range(0, 100).mapToObj(i -> "n" + i).toArray(String[]::new);
        CompletableFuture<Void> answered = watch(hosts);
        int most = 0;
        while (!lookups.open.isEmpty()) {
            most = Math.max(most, lookups.open.size());
            answer(lookups.open.getFirst().host, ipv4(60, "192.0.2.1"), NO_ADDRESS);
        }

        assertThat(most).isEqualTo(HostNames.MOST_LOOKUPS);
        assertThat(answered).isCompleted();
        assertThat(lookups.begun).isEqualTo(100);
    }

    @Test
    void givenManyNames_whenThoseThatWaitAreDropped_thenTheOthersAreStillAskedFor() {
        String[] hosts = IntStream.range(0, 40).mapToObj(i -> "n" + i).toArray(String[]::new);
        watch(hosts);
        CompletableFuture<Void> answered = watch("last");
        while (!lookups.open.isEmpty())
            answer(lookups.open.getFirst().host, ipv4(60, "192.0.2.1"), NO_ADDRESS);

        assertThat(answered).isCompleted();
        assertThat(lookups.begun).isEqualTo(HostNames.MOST_LOOKUPS + 1);
    }

    @Test
    void givenTooManyAddresses_whenAnswered_thenTheLowestAreTakenAndItIsToldOnce() {
        String[] many = IntStream.range(0, 200).mapToObj(i -> "10.0.0." + i).toArray(String[]::new);
        watch("a");
        answer("a", ipv4(60, many), ipv6(60, "2001:db8::1"));
        pass(60_000);
        answer("a", ipv4(60, many), ipv6(60, "2001:db8::1"));

        assertThat(names.addresses("a")).isEqualTo(of(Arrays.copyOf(many, 64)));
        assertThat(events)
                .containsExactly(
                        new Changed("a", of(Arrays.copyOf(many, 64))), new TooMany("a", 201));
    }

    @Test
    void givenNameThatChangesEachSecond_whenTold_thenRarelyAndEachTimeAsItIs() {
        watch("a");
        for (int second = 0; second < 600; second++) {
            answer("a", ipv4(1, "10.0." + second / 250 + "." + second % 250), NO_ADDRESS);
            pass(1000);
        }
        lookups.open.clear();
        pass(10_000);

        assertThat(events.size()).isBetween(60, 66);
        assertThat(changes).isEqualTo(600);
        assertThat(events.getLast()).isEqualTo(new Changed("a", names.addresses("a")));
    }

    @Test
    void givenConditionThatCameAndWent_whenItMayBeTold_thenThereIsNothingToTell() {
        watch("a");
        for (int i = 0; i < 3; i++) { // Uses the burst up.
            answer("a", TIMEOUT, TIMEOUT);
            pass(1000);
            answer("a", ipv4(1, "192.0.2.1"), NO_ADDRESS);
            pass(1000);
        }
        List<NameEvent> told = List.copyOf(events);
        pass(60_000);

        assertThat(events.size() - told.size()).isLessThanOrEqualTo(1);
        assertThat(events.getLast()).isNotInstanceOf(NotResolved.class);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void givenClosed_whenAnythingComes_thenNothingHappens(boolean answeredBefore) {
        CompletableFuture<Void> waits = watch("a", "b");
        Lookup late = lookups.open.removeFirst();
        if (answeredBefore) late.heard.accept(new Answer(ipv4(1, "192.0.2.1"), NO_ADDRESS));
        events.clear();

        names.close();
        clock.runPendingTasks();

        assertThat(waits).isCompleted();
        assertThat(lookups.closed).isTrue();
        if (!answeredBefore) late.heard.accept(new Answer(ipv4(1, "192.0.2.1"), NO_ADDRESS));
        pass(600_000);
        assertThat(watch("c")).isCompleted();
        assertThat(events).isEmpty();
        assertThat(changes).isZero();
        assertThat(lookups.begun).isEqualTo(2);
    }

    private CompletableFuture<Void> watch(String... hosts) {
        CompletableFuture<Void> answered = names.watch(Set.of(hosts));
        clock.runPendingTasks();
        return answered;
    }

    /// All with 192.0.2.1 for a minute.
    private void watchAnswered(String... hosts) {
        watch(hosts);
        for (String host : hosts) answer(host, ipv4(60, "192.0.2.1"), NO_ADDRESS);
    }

    private void answer(String host, Found ipv4, Found ipv6) {
        Lookup open =
                lookups.open.stream().filter(each -> each.host.equals(host)).findFirst().get();
        lookups.open.remove(open);
        open.heard.accept(new Answer(ipv4, ipv6));
        clock.runPendingTasks();
    }

    private void pass(long millis) {
        clock.advanceTimeBy(millis, TimeUnit.MILLISECONDS);
        clock.runScheduledPendingTasks();
        clock.runPendingTasks();
    }

    private static Found ipv4(long ttlSeconds, String... addresses) {
        return new Addresses(of(addresses), ttlSeconds);
    }

    private static Found ipv6(long ttlSeconds, String... addresses) {
        return new Addresses(of(addresses), ttlSeconds);
    }

    private static List<InetAddress> of(String... addresses) {
        return Arrays.stream(addresses).map(InetAddress::ofLiteral).toList();
    }
}
