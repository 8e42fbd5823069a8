package bascule.tls;

import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// One certificate with its chain and key, as [CertificateFolder] has many: what we show to servers that ask for one.
public final class CertificateFile {
    /// What came of reading.
    public sealed interface Read {
        /// All was good.
        record Loaded(Certificate certificate) implements Read {}

        /// @param faults one or more
        record Faulty(List<CertificateFault> faults) implements Read {}
    }

    private CertificateFile() {}

    /// Reads it. Blocks; throws nothing.
    ///
    /// @param file the chain, our certificate first
    /// @param key  the file of the key; null if the key stands in `file`, too
    /// @param now  the time at which the certificate has to be valid
    public static Read read(Path file, @Nullable Path key, Instant now) {
        List<CertificateFault> faults = new ArrayList<>();
        Certificate certificate = CertificateReader.read(file, key, now, faults);
        return certificate == null
                ? new Read.Faulty(List.copyOf(faults))
                : new Read.Loaded(certificate);
    }
}
