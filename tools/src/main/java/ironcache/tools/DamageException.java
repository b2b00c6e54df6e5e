package ironcache.tools;

import ironcache.wal.Damage;

/** The job cannot be done, because this is damaged. Ends the tool with {@link ExitCode#DAMAGE}. */
final class DamageException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Damage damage;

    DamageException(Damage damage) {
        super(damage.toString());
        this.damage = damage;
    }

    Damage damage() {
        return damage;
    }
}
