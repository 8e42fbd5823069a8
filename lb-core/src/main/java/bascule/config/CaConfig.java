package bascule.config;

import bascule.tls.CaCertificates;
import bascule.tls.CaFile;
import bascule.tls.CertificateFault;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A file of CA certificates, as `client-ca` of a listener and `ca` of a backend name one.
///
/// @param file absolute: where they stood
/// @param certificates what stood there when it was read
public record CaConfig(Path file, CaCertificates certificates) {
    static final String EXPECTED = "a PEM file of CA certificates";

    /// @return null if the key is not given, or refused
    static @Nullable CaConfig read(Section at, String key) {
        Path file = at.find(key, Kind.file(EXPECTED, at.folder()));
        if (file == null) return null;
        return switch (CaFile.read(file, Instant.now())) {
            case CaFile.Read.Loaded(CaCertificates all) -> new CaConfig(file, all);
            case CaFile.Read.Faulty(List<CertificateFault> faults) -> {
                for (CertificateFault fault : faults) at.refuse(key, file, fault);
                yield null;
            }
        };
    }
}
