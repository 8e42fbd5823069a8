package bascule.tls;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.tls.testing.TestAuthority;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.ReferenceCountedOpenSslEngine;
import io.netty.handler.ssl.SslHandler;
import io.netty.internal.tcnative.SSL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ClientHelloFuzz {
    /// Hellos per seed; under `-Plong` twenty times as many.
    private static final int HELLOS = Boolean.getBoolean("bascule.long") ? 400_000 : 20_000;

    private final ClientHello hello = new ClientHello();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenAnyHello_whenReadInAnyRecords_thenSaysWhatWasWritten(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < HELLOS / 4; i++) {
            Drawn drawn = Drawn.from(random);
            byte[] wire = Hello.records(drawn.message(), cuts(random, drawn.message().length));
            int at = i;
            assertEquals(
                    drawn.expected(),
                    Hello.said(hello, wire),
                    () -> "seed " + seed + ", hello " + at + ": " + HexFormat.of().formatHex(wire));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {4, 5, 6})
    void givenAnyDamage_whenRead_thenAnswersStandHoweverTheBytesArrive(long seed) {
        Random random = new Random(seed);
        Map<String, Integer> verdicts = new TreeMap<>();
        for (int i = 0; i < HELLOS; i++) {
            byte[] message = Drawn.from(random).message();
            byte[] wire = damage(random, Hello.records(message, cuts(random, message.length)));
            String whole = Hello.said(hello, wire);
            int cut = random.nextInt(wire.length + 1);
            String part = Hello.said(hello, Arrays.copyOf(wire, cut));
            int at = i;
            // Once it has decided it does not change its mind, and it decides on a good one at its
            // last byte only.
            assertTrue(
                    part.equals("need more") || part.equals(whole),
                    () ->
                            "seed "
                                    + seed
                                    + ", hello "
                                    + at
                                    + ", cut "
                                    + cut
                                    + ": "
                                    + part
                                    + ", then "
                                    + whole);
            verdicts.merge(whole.startsWith("sni=") ? "read" : whole, 1, Integer::sum);
        }
        for (String verdict : new String[] {"read", "malformed", "need more", "not TLS"})
            assertTrue(
                    verdicts.getOrDefault(verdict, 0) > HELLOS / 200,
                    () -> "too few " + verdict + ": " + verdicts);
    }

    /// Where both take a hello, they must take the same name from it: else a client could get past a policy that goes by names.
    @ParameterizedTest
    @ValueSource(longs = {7, 8})
    void givenAnyDamage_whenBoringSslTakesIt_thenItReadsTheSameName(long seed) throws Exception {
        TestAuthority authority = TestAuthority.named("Test CA");
        List<byte[]> recorded = new ArrayList<>();
        for (Path file : ClientHelloTest.recorded())
            recorded.add(ClientHelloTest.bytes(Files.readAllLines(file)));
        Random random = new Random(seed);
        int named = 0;
        int other = 0;
        try (ServerTls tls = new Servers(Servers.set(authority.issue("www.example.com"))).make()) {
            for (int i = 0; i < HELLOS / 5; i++) {
                byte[] wire = recorded.get(random.nextInt(recorded.size())).clone();
                int name = indexOf(wire, "example");
                if (name > 0 && random.nextBoolean()) // Where it matters.
                wire[name - random.nextInt(14)] ^= (byte) (1 << random.nextInt(8));
                else wire = damage(random, wire);
                ByteBuf in = Unpooled.directBuffer().writeBytes(wire);
                if (hello.read(in) != ClientHello.READ) {
                    in.release();
                    continue;
                }
                String ours = hello.sni();
                Theirs theirs = theirs(tls, in);
                if (!theirs.taken()) continue;
                String at = "seed " + seed + ", hello " + i + ": " + HexFormat.of().formatHex(wire);
                assertEquals(theirs.sni(), ours, at);
                if (ours != null) named++;
                if (ours != null && !ours.endsWith("example.com")) other++;
            }
        }
        assertTrue(
                named > HELLOS / 100 && other > HELLOS / 1000,
                named + " with a name, " + other + " with another");
    }

    private static int indexOf(byte[] bytes, String text) {
        return new String(bytes, US_ASCII).indexOf(text);
    }

    /// @param taken whether it answered with a ServerHello
    private record Theirs(boolean taken, @Nullable String sni) {}

    private Theirs theirs(ServerTls tls, ByteBuf in) {
        TlsChoice choice = Objects.requireNonNull(tls.choose(hello));
        SslHandler handler = choice.newHandler(ByteBufAllocator.DEFAULT);
        EmbeddedChannel channel = new EmbeddedChannel(handler);
        try {
            channel.writeInbound(in);
            ByteBuf out = channel.readOutbound();
            boolean taken = out != null && out.getByte(out.readerIndex()) == 22;
            if (out != null) out.release();
            if (!taken || !(handler.engine() instanceof ReferenceCountedOpenSslEngine engine))
                return new Theirs(false, null);
            String sni = SSL.getSniHostname(engine.sslPointer());
            if (sni == null) return new Theirs(true, null);
            String name = sni.toLowerCase(Locale.ROOT);
            return new Theirs(
                    true, name.endsWith(".") ? name.substring(0, name.length() - 1) : name);
        } catch (DecoderException e) {
            return new Theirs(false, null); // It refused.
        } finally {
            TestClient.finish(channel);
        }
    }

    private static int[] cuts(Random random, int length) {
        int[] cuts = new int[random.nextInt(4)];
        Arrays.setAll(cuts, _ -> 1 + random.nextInt(length - 1));
        return Arrays.stream(cuts).sorted().distinct().toArray();
    }

    static byte[] damage(Random random, byte[] wire) {
        byte[] damaged = wire.clone();
        for (int n = random.nextInt(3); n >= 0 && damaged.length > 1; n--) {
            int at =
                    random.nextInt(4) == 0
                            ? random.nextInt(Math.min(9, damaged.length))
                            : random.nextInt(damaged.length);
            switch (random.nextInt(5)) {
                case 0 -> damaged[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> damaged[at] += (byte) (random.nextBoolean() ? 1 : -1);
                case 2 -> damaged[at] = (byte) random.nextInt(256);
                case 3 -> damaged = Arrays.copyOf(damaged, Math.max(1, at));
                default -> {
                    byte[] longer = new byte[damaged.length + 1];
                    System.arraycopy(damaged, 0, longer, 0, at);
                    System.arraycopy(damaged, at, longer, at + 1, damaged.length - at);
                    damaged = longer;
                }
            }
        }
        return damaged;
    }

    /// A good hello, and what there is to know of it.
    record Drawn(byte[] message, String expected) {
        static Drawn from(Random random) {
            Hello hello = new Hello();
            hello.suites.clear();
            boolean suite = false;
            for (int n = random.nextInt(20); n >= 0; n--) {
                int[] some = {
                    0x1301, 0x1302, 0xc02b, 0xc02c, 0xcca9, 0xc02f, 0xc009, 0x0a0a, 0x002f
                };
                int one = some[random.nextInt(some.length)];
                hello.suites.add(one);
                suite |= one == 0xc02b || one == 0xc02c || one == 0xcca9;
            }
            hello.sessionId = new byte[random.nextBoolean() ? 0 : 32];
            String sni = random.nextInt(4) == 0 ? null : name(random);
            boolean tls13 = random.nextBoolean();
            int signatures = random.nextInt(16); // By bit: those of Curve, and none at all.
            int groups = random.nextInt(16);
            int[] order = {0, 1, 2, 3, 4, 5};
            for (int i = order.length; i > 1; i--) {
                int other = random.nextInt(i);
                int kept = order[i - 1];
                order[i - 1] = order[other];
                order[other] = kept;
            }
            for (int one : order)
                switch (one) {
                    case 0 -> {
                        if (sni != null)
                            hello.add(Hello.SERVER_NAME, Hello.serverName(sni.getBytes(US_ASCII)));
                    }
                    case 1 -> {
                        if (tls13) hello.add(Hello.VERSIONS, Hello.list8(0x2a2a, 0x0304, 0x0303));
                        else if (random.nextBoolean())
                            hello.add(Hello.VERSIONS, Hello.list8(0x0303, 0x0302));
                    }
                    case 2 -> {
                        if ((signatures & 8) == 0)
                            hello.add(
                                    Hello.SIGNATURES,
                                    list(signatures, 0x0804, 0x0403, 0x0503, 0x0603));
                    }
                    case 3 -> {
                        if ((groups & 8) == 0)
                            hello.add(Hello.GROUPS, list(groups, 0x11ec, 23, 24, 25));
                    }
                    default -> hello.add(100 + one, new byte[random.nextInt(300)]);
                }
            StringBuilder expected = new StringBuilder("sni=");
            expected.append(sni == null ? null : sni.toLowerCase(Locale.ROOT));
            expected.append(" tls13=").append(tls13);
            for (Curve curve : Curve.values()) {
                boolean signs = (signatures & 8) == 0 && (signatures & curve.bit) != 0;
                boolean anySigns = (signatures & 8) == 0 && (signatures & 7) != 0;
                boolean grouped = (groups & 8) == 0 && (groups & curve.bit) != 0;
                if (tls13 ? signs : anySigns && grouped && suite)
                    expected.append(' ').append(curve);
            }
            return new Drawn(hello.message(), expected.toString());
        }

        private static byte[] list(int bits, int first, int... byBit) {
            int[] values = new int[1 + Integer.bitCount(bits & 7)];
            values[0] = first;
            int n = 1;
            for (int i = 0; i < 3; i++) if ((bits & 1 << i) != 0) values[n++] = byBit[i];
            return Hello.list16(values);
        }

        private static String name(Random random) {
            String letters = "abcXYZ019-_";
            StringBuilder name = new StringBuilder();
            for (int labels = random.nextInt(4); labels >= 0; labels--) {
                for (int n = random.nextInt(12); n >= 0; n--)
                    name.append(letters.charAt(random.nextInt(letters.length())));
                if (labels > 0) name.append('.');
            }
            return name.toString();
        }
    }
}
