package ironcache.wal;

import java.io.IOException;

/** A manifest that does not verify, or that this version cannot read; see {@link #damage}. */
public final class DamagedManifestException extends IOException {
    private static final long serialVersionUID = 1;

    private final transient Damage damage;

    DamagedManifestException(Damage damage) {
        super(damage.toString());
        this.damage = damage;
    }

    public Damage damage() {
        return damage;
    }
}
