package bascule.net;

import static bascule.testing.NameServer.A;
import static bascule.testing.NameServer.AAAA;
import static org.assertj.core.api.Assertions.assertThat;

import bascule.net.NameLookup.Answer;
import bascule.net.NameLookup.Found.Addresses;
import bascule.net.NameLookup.Found.Nothing;
import bascule.net.NameLookup.Found.Trouble;
import bascule.testing.NameServer;
import bascule.testing.NameServer.Question;
import bascule.testing.NameServer.Reply;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class HostLookupIT {
    private static final Nothing NO_ADDRESS = new Nothing("no-address");
    private static final Nothing NXDOMAIN = new Nothing("nxdomain");

    private final MultiThreadIoEventLoopGroup group =
            new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());

    @AfterEach
    void stop() {
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    @Test
    void givenBothFamilies_whenLookedUp_thenEachHasItsAddressesAndLeastTtl() throws Exception {
        try (var server = new NameServer(HostLookupIT::bothFamilies)) {
            Answer answer = find("web.test", server);

            assertThat(answer.ipv4()).isEqualTo(addresses(20, "192.0.2.2", "192.0.2.1"));
            assertThat(answer.ipv6()).isEqualTo(addresses(5, "2001:db8::1"));
        }
    }

    private static List<Reply> bothFamilies(Question q) {
        return q.type() == A
                ? List.of(
                        Reply.to(q)
                                .address(q.name(), 60, "192.0.2.2")
                                .address(q.name(), 20, "192.0.2.1"))
                : List.of(Reply.to(q).address(q.name(), 5, "2001:db8::1"));
    }

    @ParameterizedTest
    @EnumSource(Transport.Kind.class)
    void givenAnyTransport_whenLookedUpByUdpAndTcp_thenItAnswers(Transport.Kind kind)
            throws Exception {
        Transport transport = Transport.open(kind, 1);
        try (var server =
                new NameServer(
                        q -> q.byTcp() ? bothFamilies(q) : List.of(Reply.to(q).truncated()))) {
            EventLoop loop = transport.loops().getFirst().executor();

            Answer answer = find(loop, "web.test", true, conf(server));

            assertThat(answer.ipv4()).isEqualTo(addresses(20, "192.0.2.2", "192.0.2.1"));
            assertThat(answer.ipv6()).isEqualTo(addresses(5, "2001:db8::1"));
        } finally {
            transport.close(5000);
        }
    }

    @Test
    void givenHostWithoutIpv6_whenLookedUp_thenOnlyIpv4IsAskedFor() throws Exception {
        try (var server = new NameServer(HostLookupIT::bothFamilies)) {
            Answer answer = find(group.next(), "web.test", false, conf(server));

            assertThat(answer.ipv6()).isEqualTo(NO_ADDRESS);
            assertThat(server.asked("web.test", AAAA)).isZero();
        }
    }

    @Test
    void givenNameThatHadIpv6_whenHostHasNoneNow_thenItIsAskedForAllTheSame() throws Exception {
        try (var server = new NameServer(HostLookupIT::bothFamilies);
                var lookup = lookup(group.next(), Map.of(), conf(server), false)) {
            Answer answer = find(group.next(), lookup, "web.test", true);

            assertThat(answer.ipv6()).isEqualTo(addresses(5, "2001:db8::1"));
        }
    }

    @Test
    void givenNoSuchNameAndNoSuchType_whenLookedUp_thenTheTwoAreToldApart() throws Exception {
        try (var server = new NameServer(q -> List.of(Reply.to(q).code(q.type() == A ? 3 : 0)))) {
            Answer answer = find("web.test", server);

            assertThat(answer).isEqualTo(new Answer(NXDOMAIN, NO_ADDRESS));
            assertThat(server.asked()).hasSize(2); // Both are answers: nobody is asked again.
        }
    }

    @Test
    void givenAliases_whenAllComeInOneAnswer_thenTheLeastTtlOfTheWayCounts() throws Exception {
        try (var server =
                new NameServer(
                        q ->
                                List.of(
                                        Reply.to(q)
                                                .address("c.test", 60, "192.0.2.9") // Any order.
                                                .alias("web.test", 30, "B.test")
                                                .alias("b.test", 7, "c.test")
                                                .address("b.test", 60, "192.0.2.66")))) {
            Answer answer = find("web.test", server);

            assertThat(answer.ipv4()).isEqualTo(addresses(7, "192.0.2.9"));
        }
    }

    @Test
    void givenAliasAlone_whenLookedUp_thenItsTargetIsAskedFor() throws Exception {
        try (var server =
                new NameServer(
                        q ->
                                q.name().equals("web.test")
                                        ? List.of(Reply.to(q).alias("web.test", 9, "far.test"))
                                        : bothFamilies(q))) {
            Answer answer = find("web.test", server);

            assertThat(answer.ipv4()).isEqualTo(addresses(9, "192.0.2.2", "192.0.2.1"));
            assertThat(answer.ipv6()).isEqualTo(addresses(5, "2001:db8::1"));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void givenAliasesInACircle_whenLookedUp_thenItEnds(boolean inOneAnswer) throws Exception {
        try (var server =
                new NameServer(
                        q -> {
                            var reply = Reply.to(q);
                            if (inOneAnswer || q.name().equals("a.test"))
                                reply.alias("a.test", 60, "b.test");
                            if (inOneAnswer || q.name().equals("b.test"))
                                reply.alias("b.test", 60, "a.test");
                            return List.of(reply);
                        })) {
            Answer answer = find("a.test", server);

            assertThat(answer.ipv4()).isEqualTo(new Trouble("too-many-aliases"));
            assertThat(server.asked().size()).isLessThanOrEqualTo(2 * 20);
        }
    }

    @Test
    void givenAnswerThatNeverFits_whenLookedUp_thenItsPartIsNotTakenForTheWhole() throws Exception {
        try (var server =
                new NameServer(
                        q -> List.of(Reply.to(q).address(q.name(), 60, "192.0.2.1").truncated()))) {
            Answer answer = find("web.test", server);

            assertThat(answer.ipv4()).isEqualTo(new Trouble("truncated"));
            assertThat(server.asked().stream().filter(Question::byTcp)).isNotEmpty();
        }
    }

    @Test
    void givenHundredsOfAddresses_whenTheyComeByTcp_thenAllAreThere() throws Exception {
        try (var server =
                new NameServer(
                        q -> {
                            var reply = Reply.to(q);
                            for (int i = 0; q.byTcp() && i < 1000; i++)
                                reply.address(q.name(), 60, "10.0." + i / 250 + "." + i % 250);
                            return List.of(q.byTcp() ? reply : reply.truncated());
                        })) {
            Answer answer = find(group.next(), "web.test", false, conf(server));

            assertThat(answer.ipv4())
                    .isInstanceOfSatisfying(
                            Addresses.class, found -> assertThat(found.addresses()).hasSize(1000));
        }
    }

    @ParameterizedTest
    @CsvSource({"1, formerr", "2, servfail", "4, notimp", "5, refused"})
    void givenServerThatCannotAnswer_whenLookedUp_thenTheNextOneIsAsked(int code, String cause)
            throws Exception {
        try (var unable = new NameServer(q -> List.of(Reply.to(q).code(code)));
                var able = new NameServer(HostLookupIT::bothFamilies)) {
            assertThat(find("web.test", unable, able).ipv4())
                    .isEqualTo(addresses(20, "192.0.2.2", "192.0.2.1"));
            assertThat(find("web.test", unable).ipv4()).isEqualTo(new Trouble(cause));
        }
    }

    @Test
    void givenServerThatNeitherKnowsNorAsks_whenItAnswersNothing_thenThatIsNoAnswer()
            throws Exception {
        try (var lame = new NameServer(q -> List.of(Reply.to(q).notRecursive()));
                var authoritative =
                        new NameServer(q -> List.of(Reply.to(q).notRecursive().authoritative()))) {
            assertThat(find("web.test", lame).ipv4()).isEqualTo(new Trouble("referral"));
            assertThat(find("web.test", authoritative).ipv4()).isEqualTo(NO_ADDRESS);
        }
    }

    @Test
    void givenSilentServer_whenLookedUp_thenTheNextOneIsAskedAndAllEndsInTime() throws Exception {
        try (var silent = new NameServer(_ -> List.of());
                var able = new NameServer(HostLookupIT::bothFamilies)) {
            long start = System.nanoTime();
            assertThat(find("web.test", silent).ipv4()).isEqualTo(new Trouble("timeout"));
            assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(20));
            assertThat(find("web.test", silent, able).ipv4())
                    .isEqualTo(addresses(20, "192.0.2.2", "192.0.2.1"));
        }
    }

    @Test
    void givenTwoSilentServers_whenLookedUp_thenTheThirdAnswersAndIsAskedFirstFromThenOn()
            throws Exception {
        try (var one = new NameServer(_ -> List.of());
                var two = new NameServer(_ -> List.of());
                var able = new NameServer(HostLookupIT::onlyFullName)) {
            List<InetSocketAddress> servers = List.of(one.address(), two.address(), able.address());
            var conf = new ResolvConf(servers, List.of("a.test", "b.test"), 5);
            EventLoop loop = group.next();
            try (var lookup = lookup(loop, Map.of(), conf, false)) {
                for (int i = 0; i < 2; i++)
                    assertThat(find(loop, lookup, "web.test", false).ipv4())
                            .isEqualTo(addresses(20, "192.0.2.1"));
            }
            assertThat(one.asked()).hasSize(1); // For the first candidate of the first look-up.
            assertThat(two.asked()).hasSize(1);
        }
    }

    private static List<Reply> onlyFullName(Question question) {
        Reply reply = Reply.to(question);
        return List.of(
                question.name().equals("web.test")
                        ? reply.address("web.test", 20, "192.0.2.1")
                        : reply.code(3));
    }

    @Test
    void givenAnswersThatNobodyAskedFor_whenTheyComeFirst_thenOnlyTheRightOneIsHeard()
            throws Exception {
        try (var server =
                new NameServer(
                        q ->
                                List.of(
                                        forged(q).id(q.id() + 1),
                                        forged(q).question("other.test"),
                                        forged(q).byStranger(),
                                        Reply.to(q).address(q.name(), 60, "192.0.2.1")))) {
            assertThat(find("web.test", server).ipv4()).isEqualTo(addresses(60, "192.0.2.1"));
        }
    }

    private static Reply forged(Question question) {
        return Reply.to(question).address(question.name(), 60, "198.51.100.66");
    }

    @Test
    void givenNothingButForgedAnswers_whenLookedUp_thenNoneIsHeard() throws Exception {
        try (var server =
                new NameServer(
                        q ->
                                List.of(
                                        forged(q).id(q.id() + 1),
                                        forged(q).question("other.test"),
                                        forged(q).byStranger()))) {
            assertThat(find(group.next(), "web.test", false, conf(server)).ipv4())
                    .isEqualTo(new Trouble("timeout"));
        }
    }

    @Test
    void givenRecordsOfOthers_whenTheyComeWithTheAnswer_thenTheyAreLeftOut() throws Exception {
        byte[] four = {(byte) 198, 51, 100, 66};
        byte[] sixteen = InetAddress.ofLiteral("2001:db8::66").getAddress();
        byte[] five = {(byte) 198, 51, 100, 66, 0};
        try (var server =
                new NameServer(
                        q ->
                                List.of(
                                        Reply.to(q)
                                                .address("other.test", 1, "198.51.100.66")
                                                .record(q.name(), A, 3, 1, four) // Class CHAOS.
                                                .record(q.name(), A, 1, 1, five)
                                                .record(q.name(), A, 1, 1, sixteen)
                                                .address(q.name(), 1, "0.0.0.0")
                                                .address(q.name(), 1, "224.0.0.1")
                                                .address(q.name(), 60, "192.0.2.1")))) {
            assertThat(find("web.test", server).ipv4()).isEqualTo(addresses(60, "192.0.2.1"));
        }
    }

    @Test
    void givenMessagesWithRandomFaults_whenTheyComeFirst_thenTheLookupEnds() throws Exception {
        long seed = System.nanoTime();
        var random = new Random(seed);
        var log = new Log();
        Logger.getLogger("").addHandler(log);
        try (var server =
                        new NameServer(
                                q -> {
                                    byte[] broken =
                                            Reply.to(q)
                                                    .alias(q.name(), 60, "far.test")
                                                    .address("far.test", 60, "192.0.2.1")
                                                    .bytes();
                                    for (int i = random.nextInt(1, 4); i > 0; i--)
                                        broken[random.nextInt(2, broken.length)] =
                                                (byte) random.nextInt();
                                    int length = random.nextInt(broken.length + 1);
                                    byte[] cut =
                                            random.nextBoolean()
                                                    ? broken
                                                    : Arrays.copyOf(broken, length);
                                    return List.of(
                                            Reply.raw(q, cut),
                                            Reply.to(q).address(q.name(), 60, "192.0.2.1"));
                                });
                var lookup = lookup(group.next(), Map.of(), conf(server), true)) {
            for (int round = 0; round < 500; round++) {
                Answer answer = find(group.next(), lookup, "web.test", false);
                assertThat(answer.ipv4()).as("seed %s", seed).isNotNull();
            }
            // Until then, Netty holds what was cut, and waits for the whole by TCP.
            Thread.sleep(2 * StubResolver.QUERY_MILLIS);
        } finally {
            Logger.getLogger("").removeHandler(log);
        }
        assertThat(log.lines).as("seed %s", seed).isEmpty(); // Nobody fills our log from outside.
    }

    @Test
    void givenManyLookups_whenAsked_thenPortsAndIdsCannotBeGuessed() throws Exception {
        EventLoop loop = group.next();
        try (var server = new NameServer(HostLookupIT::bothFamilies);
                var lookup = lookup(loop, Map.of(), conf(server), true)) {
            for (int i = 0; i < 20; i++) find(loop, lookup, "web.test", false);

            assertThat(server.asked().stream().map(q -> q.from().getPort()).distinct().count())
                    .isGreaterThan(10);
            assertThat(server.asked().stream().map(Question::id).distinct().count())
                    .isGreaterThan(10);
        }
    }

    @Test
    void givenSuffixes_whenTheFirstNameIsNowhere_thenTheNextIsAskedFor() throws Exception {
        try (var server =
                new NameServer(
                        q ->
                                q.name().equals("web.b.test")
                                        ? bothFamilies(q)
                                        : List.of(Reply.to(q).code(3)))) {
            var conf = new ResolvConf(List.of(server.address()), List.of("a.test", "b.test"), 1);

            assertThat(find(group.next(), "web", true, conf).ipv4())
                    .isEqualTo(addresses(20, "192.0.2.2", "192.0.2.1"));
            assertThat(server.asked("web.a.test", A)).isEqualTo(1);
            assertThat(server.asked("web", A)).isZero();
            assertThat(find(group.next(), "web.x", true, conf).ipv4()).isEqualTo(NXDOMAIN);
            assertThat(server.asked("web.x.b.test", A)).isEqualTo(1);
        }
    }

    @Test
    void givenSuffixes_whenTheFirstNameCannotBeAskedAbout_thenNobodyElsesAnswerIsTaken()
            throws Exception {
        try (var server =
                new NameServer(
                        q ->
                                q.name().equals("web.b.test")
                                        ? bothFamilies(q)
                                        : List.of(Reply.to(q).code(2)))) {
            var conf = new ResolvConf(List.of(server.address()), List.of("a.test", "b.test"), 1);

            assertThat(find(group.next(), "web", true, conf).ipv4())
                    .isEqualTo(new Trouble("servfail"));
            assertThat(server.asked("web.b.test", A)).isZero();
        }
    }

    @Test
    void givenNamesThatThisHostKnows_whenLookedUp_thenNobodyIsAsked() throws Exception {
        EventLoop loop = group.next();
        Map<String, List<InetAddress>> hosts =
                Map.of(
                        "web.test",
                        Stream.of("192.0.2.1", "2001:db8::1").map(InetAddress::ofLiteral).toList());
        try (var server = new NameServer(_ -> List.of());
                var lookup = lookup(loop, hosts, conf(server), true)) {
            assertThat(find(loop, lookup, "web.test", false))
                    .isEqualTo(
                            new Answer(addresses(30, "192.0.2.1"), addresses(30, "2001:db8::1")));
            assertThat(find(loop, lookup, "localhost", false))
                    .isEqualTo(new Answer(addresses(30, "127.0.0.1"), NO_ADDRESS));
            assertThat(find(loop, lookup, "a.localhost", false))
                    .isEqualTo(new Answer(addresses(30, "127.0.0.1"), NO_ADDRESS));
            assertThat(find(loop, lookup, "192.0.2.7", false))
                    .isEqualTo(new Answer(addresses(30, "192.0.2.7"), NO_ADDRESS));
            assertThat(server.asked()).isEmpty();
        }
    }

    @Test
    void givenNameThatNoMessageCanHold_whenLookedUp_thenItFails() throws Exception {
        try (var server = new NameServer(HostLookupIT::bothFamilies)) {
            assertThat(find("a".repeat(64) + ".test", server).ipv4())
                    .isEqualTo(new Trouble("bad-name"));
        }
    }

    @Test
    void givenThisHost_whenItsOwnNameIsLookedUp_thenItIsFound() throws Exception {
        EventLoop loop = group.next();
        try (var lookup = HostLookup.ofThisHost(loop)) {
            assertThat(find(loop, lookup, "localhost", false).ipv4())
                    .isInstanceOfSatisfying(
                            Addresses.class,
                            found ->
                                    assertThat(found.addresses())
                                            .allMatch(InetAddress::isLoopbackAddress));
        }
    }

    @Test
    void givenLookupUnderWay_whenClosed_thenItEndsSoon() throws Exception {
        EventLoop loop = group.next();
        try (var server = new NameServer(_ -> List.of())) {
            var answer = new CompletableFuture<Answer>();
            var lookup = lookup(loop, Map.of(), conf(server), false);
            loop.execute(() -> lookup.find("web.test", false, answer::complete));
            loop.execute(lookup::close);

            assertThat(answer.get(30, TimeUnit.SECONDS).ipv4()).isEqualTo(new Trouble("timeout"));
            assertThat(server.asked().size()).isLessThanOrEqualTo(1);
        }
    }

    private static final class Log extends Handler {
        final Queue<String> lines = new ConcurrentLinkedQueue<>();

        @Override
        public void publish(LogRecord line) {
            lines.add(line.getLoggerName() + ": " + line.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }

    private static Addresses addresses(long ttlSeconds, String... addresses) {
        return new Addresses(
                Arrays.stream(addresses).map(InetAddress::ofLiteral).toList(), ttlSeconds);
    }

    private static ResolvConf conf(NameServer... servers) {
        return new ResolvConf(
                Arrays.stream(servers).map(NameServer::address).toList(), List.of(), 1);
    }

    private static HostLookup lookup(
            EventLoop loop,
            Map<String, List<InetAddress>> hosts,
            ResolvConf conf,
            boolean hasIpv6) {
        return new HostLookup(loop, () -> hosts, () -> conf, () -> hasIpv6);
    }

    private Answer find(String host, NameServer... servers) throws Exception {
        return find(group.next(), host, true, conf(servers));
    }

    private static Answer find(EventLoop loop, String host, boolean hasIpv6, ResolvConf conf)
            throws Exception {
        try (var lookup = lookup(loop, Map.of(), conf, hasIpv6)) {
            return find(loop, lookup, host, false);
        }
    }

    private static Answer find(EventLoop loop, HostLookup lookup, String host, boolean hadIpv6)
            throws Exception {
        var answer = new CompletableFuture<Answer>();
        loop.execute(() -> lookup.find(host, hadIpv6, answer::complete));
        return answer.get(30, TimeUnit.SECONDS);
    }
}
