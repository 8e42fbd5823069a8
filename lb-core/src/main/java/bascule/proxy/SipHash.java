package bascule.proxy;

import java.security.SecureRandom;

/// SipHash-2-4 of eight bytes (Aumasson, Bernstein: SipHash: a fast short-input PRF, 2012) with a key that nobody outside of
/// this process knows: who chooses what is hashed cannot choose where it lands.
final class SipHash {
    private static final long LENGTH =
            8L << 56; // The last block: no bytes left over, and the length.

    private final long key0;
    private final long key1;

    SipHash(long key0, long key1) {
        this.key0 = key0;
        this.key1 = key1;
    }

    static SipHash random() {
        var random = new SecureRandom();
        return new SipHash(random.nextLong(), random.nextLong());
    }

    /// @param word eight bytes, the first in the lowest place
    long of(long word) {
        long v0 = key0 ^ 0x736f6d6570736575L;
        long v1 = key1 ^ 0x646f72616e646f6dL;
        long v2 = key0 ^ 0x6c7967656e657261L;
        long v3 = key1 ^ 0x7465646279746573L;
        long block = word;
        v3 ^= block;
        for (int round = 0; round < 8; round++) { // Two for each block, four at the end.
            v0 += v1;
            v1 = Long.rotateLeft(v1, 13) ^ v0;
            v0 = Long.rotateLeft(v0, 32);
            v2 += v3;
            v3 = Long.rotateLeft(v3, 16) ^ v2;
            v0 += v3;
            v3 = Long.rotateLeft(v3, 21) ^ v0;
            v2 += v1;
            v1 = Long.rotateLeft(v1, 17) ^ v2;
            v2 = Long.rotateLeft(v2, 32);
            if (round == 1) {
                v0 ^= block;
                block = LENGTH;
                v3 ^= block;
            } else if (round == 3) {
                v0 ^= block;
                v2 ^= 0xff;
            }
        }
        return v0 ^ v1 ^ v2 ^ v3;
    }
}
