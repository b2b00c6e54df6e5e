package ironcache.resp;

import ironcache.datatypes.Element;
import ironcache.datatypes.Spill;
import ironcache.engine.Shard;

/** Elements of collections as replies. */
final class ElementReplies {
    private ElementReplies() {}

    /**
     * The string that an element stands for, as a bulk string. May miss where it is spilled.
     *
     * @param object whose pages it is on then
     */
    static void bulk(CommandContext c, long at, Shard shard, long object) {
        if (Element.isNumber(at)) {
            c.reply().bulkInteger(Element.number(at));
        } else if (Element.isSpilled(at)) {
            spilled(c, at, shard, object);
        } else {
            c.reply().bulk(Element.text(at), Element.length(at));
        }
    }

    private static void spilled(CommandContext c, long at, Shard shard, long object) {
        Spill.load(shard, object, at);
        long bytes = Element.spilledLength(at);
        c.reserveOutput(bytes);
        c.reply().bulkBegin(bytes);
        long pieces = Spill.pieces(at);
        for (long i = 0; i < pieces; i++) {
            c.reply().bulkPiece(Spill.piece(shard, object, at, i), Spill.pieceBytes(at, i));
        }
        c.reply().bulkEnd();
    }
}
