package bascule.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bascule.config.Cidr;
import bascule.testing.Allocation;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class AddressSetTest {
    private static AddressSet set(String ranges) {
        return AddressSet.of(Stream.of(ranges.split(" ")).map(Cidr::parse).toList());
    }

    private static ClientAddress address(String text) {
        var address = new ClientAddress();
        byte[] bytes = text.getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        assertTrue(address.read(bytes, 0, bytes.length), text);
        return address;
    }

    @ParameterizedTest
    @CsvSource({
        "10.0.0.0/8 10.1.0.0/16 192.0.2.1/32, 10.2.3.4, true",
        "10.0.0.0/8 10.1.0.0/16 192.0.2.1/32, 10.1.3.4, true",
        "10.0.0.0/8 10.1.0.0/16 192.0.2.1/32, 192.0.2.1, true",
        "10.0.0.0/8 10.1.0.0/16 192.0.2.1/32, 192.0.2.2, false",
        "10.0.0.0/8 10.1.0.0/16 192.0.2.1/32, 11.0.0.0, false",
        "10.0.0.0/8 10.1.0.0/16 192.0.2.1/32, 9.255.255.255, false",
        "10.0.0.0/8 fe80::/10 8000::/1, fe80::1, true",
        "10.0.0.0/8 fe80::/10, fe00::1, false",
        "10.0.0.0/8 ::/0, 10.1.1.1, true",
        "11.0.0.0/8 ::/0, 10.1.1.1, false",
        "11.0.0.0/8 ::/0, ffff::, true",
        "0.0.0.0/0, 255.255.255.255, true",
        "0.0.0.0/0, ::1, false"
    })
    void givenRanges_whenAsked_thenWhoLiesInOne(String ranges, String address, boolean contained) {
        assertEquals(contained, set(ranges).contains(address(address)));
    }

    @Test
    void givenNoRange_whenAsked_thenNobodyIsIn() {
        assertTrue(AddressSet.of(List.of()).isEmpty());
        assertFalse(AddressSet.NONE.contains(address("10.0.0.1")));
        assertFalse(set("10.0.0.0/8").isEmpty());
        assertFalse(set("fe80::/10").isEmpty());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void givenRandomRanges_whenAsked_thenAsIfEachWereLookedAt(long seed) {
        var random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            List<Cidr> ranges = new ArrayList<>();
            for (int i = random.nextInt(30); i >= 0; i--) ranges.add(range(random));
            AddressSet set = AddressSet.of(ranges);
            int in = 0;
            for (int i = 0; i < 500; i++) {
                Cidr near = ranges.get(random.nextInt(ranges.size()));
                long high = near.high() ^ few(random);
                long low = near.low() ^ few(random);
                boolean expected = ranges.stream().anyMatch(range -> range.contains(high, low));
                assertEquals(expected, set.contains(high, low), () -> "seed " + seed + ranges);
                if (expected) in++;
            }
            assertThat(in).isPositive();
        }
    }

    /// Mostly 0, or one low bit, or one bit anywhere.
    private static long few(Random random) {
        return switch (random.nextInt(4)) {
            case 0 -> 1L << random.nextInt(64);
            case 1 -> 1L << random.nextInt(8);
            default -> 0;
        };
    }

    private static Cidr range(Random random) {
        boolean isIpv4 = random.nextBoolean();
        int prefix = isIpv4 ? 96 + random.nextInt(33) : random.nextInt(129);
        long high = isIpv4 ? 0 : random.nextInt(4) * 0x4000_0000_0000_0001L;
        long low = isIpv4 ? 0xffffL << 32 | random.nextInt(3) * 0x40_000_001L : random.nextInt(4);
        long highMask = prefix >= 64 ? -1 : prefix == 0 ? 0 : -1L << 64 - prefix;
        long lowMask = prefix <= 64 ? 0 : -1L << 128 - prefix;
        return new Cidr(high & highMask, low & lowMask, prefix);
    }

    @Test
    void givenSet_whenAsked_thenNothingIsAllocated() {
        AddressSet set = set("10.0.0.0/8 fe80::/10 192.0.2.0/24");
        ClientAddress address = address("192.0.2.9");
        boolean[] found = {false};

        assertEquals(0, Allocation.perOperation(() -> found[0] = set.contains(address)));
        assertTrue(found[0]);
    }
}
