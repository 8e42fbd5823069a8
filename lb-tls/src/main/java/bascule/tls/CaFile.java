package bascule.tls;

import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/// A PEM file of the certificates that somebody else's certificate has to lead to.
public final class CaFile {
    /// What operating systems ship has 230 KiB.
    private static final int LIMIT_BYTES = 4 << 20;

    /// What came of reading.
    public sealed interface Read {
        /// All was good.
        record Loaded(CaCertificates certificates) implements Read {}

        /// @param faults one or more
        record Faulty(List<CertificateFault> faults) implements Read {}
    }

    private CaFile() {}

    /// Reads it. Keys in it are a fault: nobody means to hand an authority's key to a load balancer. Some of its certificates may have
    /// expired, as in each collection, but not all. Blocks; throws nothing.
    ///
    /// @param now the time at which one of the certificates has to be valid
    public static Read read(Path file, Instant now) {
        List<CertificateFault> faults = new ArrayList<>();
        List<X509Certificate> found = new ArrayList<>();
        switch (Pem.read(file, LIMIT_BYTES)) {
            case Pem.Read.Faulty(CertificateFault fault) -> faults.add(fault);
            case Pem.Read.Blocks(List<Pem.Block> blocks) -> {
                for (Pem.Block block : blocks) {
                    if (PrivateKeys.isKey(block))
                        faults.add(
                                new CertificateFault(
                                        file,
                                        block.line(),
                                        "has a private key",
                                        "certificates only"));
                    if (!CertificateReader.isCertificate(block)) continue;
                    X509Certificate certificate =
                            CertificateReader.certificate(file, block, faults);
                    if (certificate != null) found.add(certificate);
                }
                if (found.isEmpty() && faults.isEmpty())
                    faults.add(
                            new CertificateFault(
                                    file, "has no certificate", "-----BEGIN CERTIFICATE-----"));
                boolean valid = false;
                for (X509Certificate one : found)
                    valid |= !now.isAfter(one.getNotAfter().toInstant());
                if (!valid && faults.isEmpty())
                    faults.add(
                            new CertificateFault(
                                    file,
                                    "has only certificates that have expired",
                                    "one that has not"));
            }
        }
        if (!faults.isEmpty()) return new Read.Faulty(List.copyOf(faults));
        return new Read.Loaded(new CaCertificates(found));
    }
}
