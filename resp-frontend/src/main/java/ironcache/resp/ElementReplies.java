package ironcache.resp;

import ironcache.datatypes.Element;

/** Elements of collections as replies. */
final class ElementReplies {
    private ElementReplies() {}

    /** The string that an element stands for, as a bulk string. */
    static void bulk(CommandContext c, long at) {
        if (Element.isNumber(at)) {
            c.reply().bulkInteger(Element.number(at));
        } else {
            c.reply().bulk(Element.text(at), Element.length(at));
        }
    }
}
