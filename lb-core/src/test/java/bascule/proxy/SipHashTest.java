package bascule.proxy;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

final class SipHashTest {
    /// From the reference implementation's vectors: key 00 01 … 0f, input 00 01 … 07.
    @Test
    void givenPublishedVector_whenHashed_thenItsResult() {
        var hash = new SipHash(0x0706050403020100L, 0x0f0e0d0c0b0a0908L);

        assertEquals(0x93f5f5799a932462L, hash.of(0x0706050403020100L));
    }
}
