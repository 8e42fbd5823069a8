package bascule.tls;

import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.interfaces.ECKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import org.jspecify.annotations.Nullable;

/// The curves that TLS signs on, with their numbers in `supported_groups` and `signature_algorithms` (RFC 8446 §4.2.3, §4.2.7).
enum Curve {
    P256(1, "secp256r1", 23, 0x0403),
    P384(2, "secp384r1", 24, 0x0503),
    P521(4, "secp521r1", 25, 0x0603);

    /// This curve's bit in a mask.
    final int bit;

    final int group;
    final int signature;
    private final ECParameterSpec parameters;

    Curve(int bit, String name, int group, int signature) {
        this.bit = bit;
        this.group = group;
        this.signature = signature;
        try {
            AlgorithmParameters known = AlgorithmParameters.getInstance("EC");
            known.init(new ECGenParameterSpec(name));
            this.parameters = known.getParameterSpec(ECParameterSpec.class);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has " + name, e);
        }
    }

    /// @return null for any other curve; those of the same size are not the same
    static @Nullable Curve of(ECKey key) {
        ECParameterSpec wanted = key.getParams();
        for (Curve curve : values())
            if (curve.parameters.getCurve().equals(wanted.getCurve())
                    && curve.parameters.getGenerator().equals(wanted.getGenerator())) return curve;
        return null;
    }
}
