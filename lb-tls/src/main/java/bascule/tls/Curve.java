package bascule.tls;

import java.security.interfaces.ECKey;
import java.security.spec.ECParameterSpec;
import org.jspecify.annotations.Nullable;

/// The curves that TLS signs on, with their numbers in `supported_groups` and `signature_algorithms` (RFC 8446 §4.2.3, §4.2.7).
enum Curve {
    P256(1, 256, 23, 0x0403),
    P384(2, 384, 24, 0x0503),
    P521(4, 521, 25, 0x0603);

    /// This curve's bit in a mask.
    final int bit;

    final int bits;
    final int group;
    final int signature;

    Curve(int bit, int bits, int group, int signature) {
        this.bit = bit;
        this.bits = bits;
        this.group = group;
        this.signature = signature;
    }

    /// @return null for any other curve. The JDK knows only the three of these sizes, and Koblitz's of 256 bits not at all.
    static @Nullable Curve of(ECKey key) {
        ECParameterSpec parameters = key.getParams();
        int bits = parameters.getCurve().getField().getFieldSize();
        for (Curve curve : values()) if (curve.bits == bits) return curve;
        return null;
    }
}
