package ironcache.resp;

/** Doubles in: what C's strtod takes as a whole, without leading spaces. */
final class DoubleParser {
    private DoubleParser() {}

    /** The number, or NaN where the text is none (a text that says NaN included). */
    static double parse(String text) {
        int sign = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
        String body = text.substring(sign);
        if (body.equalsIgnoreCase("inf") || body.equalsIgnoreCase("infinity")) {
            return text.charAt(0) == '-' ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
        }
        if (body.isEmpty()
                || !(body.charAt(0) == '.' || Character.digit(body.charAt(0), 10) >= 0)) {
            return Double.NaN;
        }
        boolean hex = body.startsWith("0x") || body.startsWith("0X");
        char last = body.charAt(body.length() - 1);
        if (!hex && !(last == '.' || last >= '0' && last <= '9')) {
            return Double.NaN; // Java takes the suffixes d and f, C does not.
        }
        try {
            return Double.parseDouble(
                    hex && body.indexOf('p') < 0 && body.indexOf('P') < 0 ? text + "p0" : text);
        } catch (NumberFormatException e) {
            return Double.NaN;
        }
    }
}
