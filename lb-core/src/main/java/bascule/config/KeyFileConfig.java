package bascule.config;

import bascule.cluster.key.ClusterKey;
import java.nio.file.Path;

/// The `key-file` of a cluster. Two that stand in the same place and hold the same are equal.
///
/// @param file absolute
/// @param key what stood there when it was read
public record KeyFileConfig(Path file, ClusterKey key) {
    static final String EXPECTED = "a file that bascule keygen wrote";

    @Override
    public boolean equals(Object other) {
        return other instanceof KeyFileConfig(Path otherFile, ClusterKey otherKey)
                && file.equals(otherFile)
                && key.fingerprint().equals(otherKey.fingerprint());
    }

    @Override
    public int hashCode() {
        return 31 * file.hashCode() + key.fingerprint().hashCode();
    }

    @Override
    public String toString() {
        return file + ", sha256 " + key.fingerprint();
    }
}
