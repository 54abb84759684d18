"""Cases for the comparison with the Java engines: templates by a grammar, JSON paths, payloads, and damaged templates.

A case is made of its seed and number alone, so any one can be made again."""
import json
import random

VARS = {
    "s": "Hello, World", "t": "a,b;;c", "e": "", "q": "it's \"x\" / \\ \u00e9\u20ac\U0001f600", "n": 7, "m": -3, "z": 0, "f": 2.5,
    "big": 12345678901, "huge": 123456789012345678901234567890, "b": True, "no": False, "nil": None,
    "l": [3, "x", None, [1, 2], {"k": "v"}], "o": {"k": "v", "n": 1, "deep": {"x": [1, {"y": "z"}]}, "nil": None, "a-b": "h"},
    "el": [], "eo": {}, "a-b": "hyphen", "x_1": "under", "ds": "5", "ll": ["b", "a", "c", "a"],
}
PARAMS = {"path": {"stream-name": "orders", "id": "7"}, "querystring": {"id": "q", "page": "2", "s p": "a b"},
          "header": {"X-A": "1,2", "id": "h", "Content-Type": "application/json"}}
CONTEXT = {"requestId": "r-1", "stage": "Prod", "identity": {"sourceIp": "127.0.0.1"}, "requestOverride": {"header": {}}}
STAGE = {"env": "dev", "a-b": "1"}
BODY = {
    "store": {"book": [{"category": "reference", "author": "N", "title": "S", "price": 8.95},
                       {"category": "fiction", "author": "E", "price": 12.99, "isbn": "1"},
                       {"category": "fiction", "author": "H", "price": 8, "isbn": "2", "tags": ["a", "b"]},
                       {"category": None, "price": "8", "x": True}],
              "bicycle": {"color": "red", "price": 19.95}},
    "records": [{"data": "some data", "partition-key": "k1"}, {"data": {"a": [1, None]}, "partition-key": "k2"}],
    "Data": {"a": "b", "n": 1.50}, "s": "text/\u00e9", "n": 42, "f": 1.5, "t": True, "nul": None, "e": [], "eo": {},
    "x-y": 1, "sp ace": 2, "a.b": 3, "nest": [[1, 2], [3, [4]]], "l": [1, 2, 3, 4, 5], "mix": [1, "1", 1.0, True, None, "a", {}, []],
}
WORDS = ["a", "Z", "x1", "\"", "'", "{", "}", "[", "]", "(", ")", ":", ",", ".", ";", "-", "_", "=", "!", "@", "%", "&", "*", "/", "|",
         "\u00e9", "\u20ac", "\U0001f600", "\"Data\": ", "null", "true", "1", "..", "100%", "<b>", "\r\n", "\t", "<", ">"]
GAPS = ["", "", "", " ", "  ", "\n", "\n\n", " \n", "\t", "\n  ", "\r\n", " \t\n\n "]
STRINGS = ["", "a", "Hello", "b", ",", ";", "l+", "[aeiou]", ".", "x y", "Hello, World", "5", "1.5", "\u00e9", "/", "\\", "k", "a.b", "%41+b", "YWI=",
           "{\"a\":[1,2]}", "o", "World", " pad ", "true"]
ROOTS = ["s", "t", "e", "q", "n", "m", "z", "f", "big", "huge", "b", "no", "nil", "l", "o", "el", "eo", "a-b", "x_1", "ds", "ll", "i", "j", "v",
         "w", "undefined"]


class Templates:
    """A grammar of mapping templates; depth bounds it."""

    def __init__(self, rng):
        self.rng = rng
        self.loops = 0

    def pick(self, choices):
        return self.rng.choice(choices)

    def chance(self, p):
        return self.rng.random() < p

    def gap(self):
        return self.pick(GAPS) if self.chance(0.4) else ""

    def name(self):
        return self.pick(ROOTS)

    def template(self):
        return "".join(self.statement(3) for _ in range(self.rng.randint(1, 5)))

    def block(self, depth):
        return "".join(self.statement(depth) for _ in range(self.rng.randint(0, 3)))

    def statement(self, depth):
        kinds = [(self.text, 6), (self.printed, 8), (self.set, 6), (self.escape, 1), (self.comment, 1), (self.odd, 0.4)]
        if depth > 0:
            kinds += [(self.if_else, 4), (self.foreach, 4), (self.define, 1), (self.macro, 0.4), (self.literal, 0.6)]
        makers, weights = zip(*kinds)
        return self.rng.choices(makers, weights)[0](depth) + self.gap()

    def text(self, _):
        return "".join(self.pick(WORDS) + self.gap() for _ in range(self.rng.randint(1, 3)))

    def printed(self, depth):
        return self.reference(depth)

    def reference(self, depth=1):
        body = self.name() + self.accesses(depth)
        if self.chance(0.2):
            body = self.input(depth)
        elif self.chance(0.1):
            body = self.util(depth)
        elif self.loops and self.chance(0.4):
            body = self.pick(["foreach.index", "foreach.count", "foreach.hasNext", "foreach.first", "foreach.last", "foreach.parent.index",
                              "foreach.parent.count", "foreach.topmost.count", "velocityCount", "velocityHasNext", "i", "j", "i.data",
                              "i.key", "i.k", "foreach.index.toString()", "j.partition-key"])
        elif self.chance(0.08):
            body = self.pick(["context.requestId", "context.identity.sourceIp", "context.stage", "context.nope", "stageVariables.env",
                              "stageVariables.a-b", "stageVariables['env']", "context.requestOverride.header.x", "context.get('stage')"])
        forms = ["$%s", "$%s", "$%s", "${%s}", "$!%s", "$!{%s}"]
        return self.pick(forms) % body

    def accesses(self, depth):
        out = ""
        while self.chance(0.35):
            out += self.rng.choices([self.property, self.method, self.index], [3, 5, 2])[0](max(depth - 1, 0))
        return out

    def property(self, _):
        return "." + self.pick(["k", "n", "deep", "x", "nil", "a-b", "empty", "size", "length", "y", "nope", "value", "key"])

    def index(self, depth):
        return self.pick(["[0]", "[1]", "[-1]", "[4]", "['k']", "[\"k\"]", "[9]", "[ 0 ]", "['deep']", "[$z]", "[$n]", "['nope']"])

    def method(self, depth):
        arg = lambda: self.argument(depth)
        small = lambda: str(self.rng.randint(-1, 6))
        text = lambda: self.string()
        name = self.pick(list(METHODS))
        kinds = self.pick(METHODS[name])
        args = [{"a": arg, "i": small, "s": text}[k]() for k in kinds]
        pad = self.pick(["", "", "", " "])
        return "." + name + "(" + pad + ", ".join(args) + pad + ")"

    def input(self, depth):
        path = Paths(self.rng).path()
        kind = self.pick(["path", "path", "json", "json", "params", "params0", "body"])
        quote = self.pick("'\"")
        # A '$' in double quotes names a variable; paths with both quotes cannot be written.
        if kind in ("path", "json"):
            if "'" in path:
                quote = "\""
            if quote == "\"" and ("\"" in path):
                path = "$.s"
                quote = "'"
            return f"input.{kind}({quote}{path}{quote})" + self.accesses(depth)
        if kind == "params":
            return "input.params(" + self.pick(["'id'", "'stream-name'", "'nope'", "\"page\"", "'X-A'", "$s", "'s p'"]) + ")"
        if kind == "params0":
            return "input.params()" + self.pick(["", ".path", ".header.get('X-A')", ".querystring.id", ".header", ".get('path').get('id')",
                                                 ".path.keySet()", ".querystring.size()"])
        return "input.body" + self.pick(["", "", ".length()", ".x"])

    def util(self, depth):
        name = self.pick(["base64Encode", "base64Decode", "escapeJavaScript", "urlEncode", "urlDecode", "parseJson"])
        text = {"base64Decode": ["'YWI='", "'4oKs'", "$util.base64Encode($q)"], "urlDecode": ["'a%20b+c'", "'%C3%A9'", "$util.urlEncode($q)"],
                "parseJson": ["'{\"a\":[1,2.50,null,\"x\"]}'", "$input.body", "'[1, {\"b\": true}]'", "'x'", "'12'", "$input.json('$.Data')"]}
        if name == "base64Encode":
            arg = self.pick(["$s", "$q", "$l", "$o", "$n", "$e", "$f", self.reference(0)])
        else:
            arg = self.pick(text.get(name, ["$s", "$q", "$e", "$t", "'x/y z&=\u00e9'", "$ds"]))
        return f"util.{name}({arg})" + (self.pick([".a", ".get('a')", ".a[0]", "[1]"]) if name == "parseJson" and self.chance(0.6) else "")

    def string(self):
        s = self.pick(STRINGS)
        if "'" in s or ("\"" in s) or self.chance(0.7):
            return "'" + s.replace("'", "''") + "'"
        return "\"" + s + "\""

    def argument(self, depth):
        return self.pick([self.string, self.string, self.number, lambda: self.reference(0), lambda: self.boolean(),
                          lambda: self.double_quoted(0)])()

    def boolean(self):
        return self.pick(["true", "false"])

    def number(self):
        return self.pick(["0", "1", "2", "3", "-1", "10", "7", "1.5", "0.1", "2147483647", "2147483648", "-2147483648", "9223372036854775807",
                          "1e3", "1.0", "-2.5", "100", "5"])

    def double_quoted(self, depth):
        parts = [self.pick([lambda: self.pick(["a", " ", "-", "''", "x.", ": ", "\"\"", "\\", "[", "é"]), lambda: self.reference(0),
                            lambda: "#if($b)y#{else}n#end"])() for _ in range(self.rng.randint(0, 3))]
        text = "".join(parts)
        inner = text.replace("\"\"", "")
        return "\"" + (text if "\"" not in inner else inner.replace("\"", "")) + "\""

    def value(self, depth):
        makers = [self.string, self.number, self.boolean, lambda: self.reference(depth), lambda: self.double_quoted(depth)]
        if depth > 0:
            makers += [lambda: self.list(depth - 1), lambda: self.map(depth - 1), lambda: self.range()]
        return self.pick(makers)()

    def list(self, depth):
        return "[" + ", ".join(self.value(depth) for _ in range(self.rng.randint(0, 3))) + "]"

    # One key at most: Velocity 1.7 keeps a literal's keys in the order of their hashes.
    def map(self, depth):
        return self.pick(["{}", "{ }"]) if self.chance(0.3) else "{" + self.string() + self.pick([":", ": ", " : "]) + self.value(depth) + "}"

    def range(self):
        ends = ["0", "1", "3", "-2", "5", "$n", "$z", "$m", "$s", "$nil", "$f"]
        return "[" + self.pick(["", " "]) + self.pick(ends) + self.pick(["", " "]) + ".." + self.pick(["", " "]) + self.pick(ends) + "]"

    def expression(self, depth):
        if depth <= 0 or self.chance(0.4):
            return self.value(depth)
        blank = self.pick([" ", " ", " ", ""])
        op = self.pick(["+", "-", "*", "/", "%", "==", "!=", "<", ">", "<=", ">=", "&&", "||", "eq", "ne", "lt", "gt", "le", "ge", "and", "or"])
        if op.isalpha():
            blank = " "
        form = self.pick(["%s%s%s%s%s", "%s%s%s%s%s", "(%s%s%s%s%s)"])
        out = form % (self.expression(depth - 1), blank, op, blank, self.expression(depth - 1))
        if self.chance(0.15):
            out = self.pick(["!", "! ", "not "]) + "(" + out + ")"
        return out

    def set(self, depth):
        target = self.pick(["$v", "$w", "$v", "$w", "$i", "${v}", "$!v", "$o.k", "$o['new']", "$l[0]", "$o.deep.x", "$eo.a", "$undefined.x",
                            "$el[0]", "$o[\"$s\"]", "$context.requestOverride.header.x"])
        return self.pick(["#set(", "#set( ", "#set (", "#{set}("]) + target + self.pick([" = ", "=", " =", "= "]) + self.expression(2) + \
            self.pick([")", " )"])

    def condition(self):
        return self.pick([lambda: self.expression(2), lambda: self.reference(1), lambda: self.pick(["!", "! "]) + self.reference(1)])()

    def if_else(self, depth):
        out = self.pick(["#if(", "#if( ", "#if (", "#{if}("]) + self.condition() + self.pick([")", " )"]) + self.gap() + self.block(depth - 1)
        while self.chance(0.2):
            out += self.pick(["#elseif(", "#{elseif}("]) + self.condition() + ")" + self.gap() + self.block(depth - 1)
        if self.chance(0.4):
            out += self.pick(["#else", "#{else}", "#else ", "#else\n"]) + self.gap() + self.block(depth - 1)
        return out + self.end()

    def end(self):
        return self.pick(["#end", "#{end}", "#end ", "#end\n", "#end\n\n", "#end\t\n"])

    def foreach(self, depth):
        over = self.pick([lambda: self.pick(["$l", "$o", "$el", "$ll", "$s", "$nil", "$undefined", "$o.keySet()", "$o.entrySet()", "$o.values()",
                                             "$input.path('$.records')", "$input.path('$.l')", "$input.params().header.keySet()", "$n"]),
                          self.range, lambda: self.list(0), lambda: self.map(0)])()
        self.loops += 1
        body = self.block(depth - 1)
        if self.chance(0.12):
            body += self.pick(["#break", "#if($foreach.count == 2)#break#end", "#if($foreach.hasNext),#end", "#stop"])
        self.loops -= 1
        item = self.pick({3: ["$i", "${i}"], 2: ["$j"], 1: ["$k"]}[depth])
        return self.pick(["#foreach(", "#foreach( ", "#foreach (", "#{foreach}("]) + item + " in " + over + \
            self.pick([")", " )"]) + self.gap() + body + self.end()

    def define(self, depth):
        name = self.pick(["$v", "$w"])
        return f"#define({name})" + self.block(0) + self.end() + self.pick(["", name, name + name, f"#set($x_1 = \"{name}\")$x_1"])

    def macro(self, depth):
        return "#macro(say $a)" + self.block(0) + "#end" + self.pick(["", "#say('x')", "#say($s)", "#say()"])

    def literal(self, depth):
        return self.pick(["#[[%s]]#", "#literal() %s#end"]) % self.block(0).replace("]]#", "")

    def escape(self, _):
        return self.pick(["\\$s", "\\\\$s", "\\$undefined", "\\\\$undefined", "\\$!s", "\\${s}", "\\#if", "\\#set", "\\\\#end", "\\#foo", "\\\\\\$s",
                          "$\\!s", "\\\\#if(true)x#end", "\\#{if}", "\\", "\\\\", "\\n", "\\$!{undefined}"])

    def comment(self, _):
        return self.pick(["## line\n", "##\n", "#* block *#", "#** formal *#", "#* a\nb *#\n", "##x $s #if\n", "#**#"])

    def odd(self, _):
        return self.pick(["$", "$$", "$ ", "$1", "$.", "$!", "$!!s", "$s$", "$$s", "#", "# ", "##", "#x", "#1", "#foo()", "#foo($s)", "$s.", "$s. ", "$s..",
                          "$s.1", "$s[", "$s.x.", "${s", "${}", "$s-1", "$n-1", "$s_", "$s()", "$s.foo(", "$!{s", "#evaluate('$s')", "#{x}", "#@x()y#end",
                          "${s}x", "$!n.", "#parse('x')", "#include('x')", "$s!", "$s?", "$\u00e9", "$s{", "#stop", "#break", "$s[0", "$o.k[0]", "$[", "$["])


METHODS = {
    "length": [""], "toString": [""], "trim": [""], "toUpperCase": [""], "toLowerCase": [""], "isEmpty": [""], "size": [""], "hashCode": [""],
    "substring": ["i", "ii"], "indexOf": ["s", "a", "si"], "lastIndexOf": ["s", "a"], "split": ["s", "si"], "replace": ["ss"], "replaceAll": ["ss"],
    "replaceFirst": ["ss"], "matches": ["s"], "contains": ["a", "s"], "startsWith": ["s", "si"], "endsWith": ["s"], "equals": ["a", "s"],
    "equalsIgnoreCase": ["s"], "concat": ["s"], "charAt": ["i"], "compareTo": ["s"], "get": ["i", "s", "a"], "add": ["a", "ia"], "put": ["sa"],
    "containsKey": ["s"], "containsValue": ["a"], "keySet": [""], "values": [""], "entrySet": [""], "remove": ["s", "i"], "addAll": ["a"],
    "subList": ["ii"], "set": ["ia"], "intValue": [""], "doubleValue": [""], "longValue": [""], "putAll": ["a"], "getOrDefault": ["sa"], "clear": [""],
    "nope": ["", "a"], "iterator": [""], "strip": [""], "repeat": ["i"], "isBlank": [""], "compareToIgnoreCase": ["s"],
}


class Paths:
    """JSON paths over BODY and what is not there."""

    def __init__(self, rng):
        self.rng = rng

    def path(self):
        pick = self.rng.choice
        out = pick(["$", "$", "$", "$", "$", "$", "@", ""]) if self.rng.random() < 0.15 else "$"
        for n in range(self.rng.randint(0, 4)):
            out += self.step(n == 0)
        return out if out else "$"

    def step(self, first):
        pick = self.rng.choice
        names = ["store", "book", "price", "author", "tags", "records", "data", "Data", "a", "n", "s", "nope", "l", "nest", "mix", "x-y", "category",
                 "bicycle", "nul", "e", "eo", "partition-key", "t", "f"]
        kind = self.rng.choices(["name", "quoted", "names", "index", "indexes", "slice", "wild", "deep", "deepwild", "filter", "odd"],
                                [14, 3, 0.6, 5, 1, 3, 3, 3, 0.5, 4, 0.2])[0]
        if kind == "name":
            if first and self.rng.random() < 0.5:
                return pick([".store.book", ".records", ".l", ".nest", ".mix", ".store", ".Data"])
            return "." + pick(names)
        if kind == "quoted":
            return "['" + pick(names + ["sp ace", "a.b"]) + "']"
        if kind == "names":
            return "['" + pick(names) + "','" + pick(names) + "']"
        if kind == "index":
            return pick(["[0]", "[1]", "[2]", "[3]", "[9]", "[ 0 ]", "[0]"])
        if kind == "indexes":
            return pick(["[0,1]", "[0, 2]", "[1,9]", "[2,0]"])
        if kind == "slice":
            return pick(["[0:2]", "[1:]", "[:2]", "[-1:]", "[-2:]", "[:-1]", "[0:99]", "[1:1]", "[3:1]"])
        if kind == "wild":
            return pick([".*", "[*]"])
        if kind == "deep":
            return ".." + pick(names)
        if kind == "deepwild":
            return pick(["..*", "..[0]", "..[*]", "..['price']"])
        if kind == "odd":
            return pick([".", "[", "]", "..", "[]", "['']", "[?()]", ".['a']", "[a]", "[-1]", ". a", "[1:2:3]", "[?(@.price)]", ".$"])
        return "[?(" + self.filter(2) + ")]"

    def filter(self, depth):
        pick = self.rng.choice
        left = pick(["@.price", "@.category", "@.isbn", "@.author", "@['price']", "@.tags", "@.tags[0]", "@.nope", "@.data", "@.x"])
        if self.rng.random() < 0.25:
            return left
        value = pick(["8", "8.95", "10", "'fiction'", "'E'", "null", "true", "\"fiction\"", "$.n", "@.isbn", "'8'", "12.99", "-1"])
        out = left + pick([" ", ""]) + pick(["==", "!=", "<", ">", "<=", ">="]) + pick([" ", ""]) + value
        if depth > 0 and self.rng.random() < 0.25:
            out += pick([" && ", " || ", "&&"]) + self.filter(depth - 1)
        return out


class Payloads:
    """Payloads as text: JSON in every form that json-smart takes, and what is none."""

    def __init__(self, rng):
        self.rng = rng

    def payload(self):
        r = self.rng.random()
        text = self.value(3) if r < 0.15 else self.map(3) if r < 0.7 else self.list(3)
        if self.rng.random() < 0.12 and text:
            at = self.rng.randrange(len(text) + 1)
            text = text[:at] + self.rng.choice(["", ",", "}", "]", "x", "\"", "'", ":", " ", "\\", "0", "\n"]) + text[at + self.rng.randint(0, 1):]
        return self.gap() + text + self.gap()

    def gap(self):
        return self.rng.choice(["", "", "", " ", "\n", "\t", "\r\n "])

    def map(self, depth):
        names = ["a", "b", "Data", "x-y", "\u00e9", "a b", "1", "", "PartitionKey", "a/b", "records"]
        items = []
        for name in self.rng.sample(names, self.rng.randint(0, 4)):
            key = json.dumps(name, ensure_ascii=self.rng.random() < 0.5)
            if self.rng.random() < 0.08 and name.isalnum():
                key = self.rng.choice([name, "'" + name + "'"])
            items.append(key + self.gap() + ":" + self.gap() + self.value(depth - 1))
        return "{" + self.gap() + (self.gap() + ",").join(items) + self.rng.choice(["", "", "", "", "", ","] if items else [""]) + "}"

    def list(self, depth):
        items = [self.value(depth - 1) for _ in range(self.rng.randint(0, 4))]
        return "[" + ("," + self.gap()).join(items) + self.gap() + "]"

    def value(self, depth):
        kind = self.rng.choice(["string", "string", "number", "number", "word", "map", "list"] if depth > 0 else ["string", "number", "word"])
        if kind == "map":
            return self.map(depth)
        if kind == "list":
            return self.list(depth)
        if kind == "word":
            return self.rng.choice(["true", "false", "null", "null", "True", "nul", "NaN", "abc", "'single'"])
        return self.string() if kind == "string" else self.number()

    def string(self):
        parts = ["a", "some data", "/", "\\/", "\\\\", "\\\"", "\\n", "\\t", "\\b", "\\f", "\\r", "\\u0000", "\\u001f", "\\u00e9", "\u00e9", "\u20ac",
                 "\\u20AC", "\u2028", "\u0085", "\U0001f600", "\\ud83d\\ude00", "'", "<", "&", "\x7f", " ", "0", "$x", "#if", "\u4e2d", "\u00a0", "\\u2028"]
        return "\"" + "".join(self.rng.choice(parts) for _ in range(self.rng.randint(0, 4))) + "\""

    def number(self):
        rng = self.rng
        fixed = ["0", "-0", "1", "-1", "1.0", "1.50", "-0.0", "0.1", "1e3", "1E3", "1e-7", "1.5e10", "1e400", "123456789012345678901234567890", "2147483647",
                 "2147483648", "-2147483648", "-2147483649", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "0.1234567890123456789",
                 "12345678901234567890.5", "100", "1e7", "9999999.0", "10000000.0", "0.001", "0.0001", "1.7976931348623157e308", "4.9e-324", "01", "1.", "+1",
                 ".5", "1e", "--1", "0.10", "3.14159265358979", "1e-400", "-1.5E-3", "123456789.123456789"]
        if rng.random() < 0.5:
            return rng.choice(fixed)
        text = rng.choice(["", "-"]) + str(rng.randint(0, 10 ** rng.randint(1, 22)))
        if rng.random() < 0.5:
            text += "." + "".join(rng.choice("0123456789") for _ in range(rng.randint(1, 20)))
        if rng.random() < 0.2:
            text += rng.choice("eE") + rng.choice(["", "-", "+"]) + str(rng.randint(0, 330))
        return text


def damaged(rng, text):
    """Some characters gone, doubled or put in, where the grammar never puts them."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(["", "$", "#", "(", ")", "{", "}", "[", "]", "\"", "'", "\\", "!", ".", ",", "|", " ", "\n", "*", "-", "=", "1", "a"]) + \
            text[at + rng.randint(0, 2):]
    return text


def case(seed, number):
    """(template, body, vars, params, context, stage variables), all texts."""
    rng = random.Random(f"{seed}/{number}")
    body = json.dumps(BODY, ensure_ascii=False, separators=(",", ":"))
    kind = number % 10
    if kind < 5:
        template = Templates(rng).template()
    elif kind < 7:
        template = damaged(rng, Templates(rng).template())
    elif kind < 9:
        path = Paths(rng).path()
        name = rng.choice(["path", "json"])
        template = f"$input.{name}($p)"
        if rng.random() < 0.2:
            body = Payloads(rng).payload()
        variables = dict(VARS, p=path)
        return template, body, json.dumps(variables), json.dumps(PARAMS), json.dumps(CONTEXT), json.dumps(STAGE)
    else:
        body = Payloads(rng).payload()
        template = rng.choice(["$input.json('$')", "$input.path('$')", "$input.body", "$input.path('$.a')|$input.json('$.a')", "$input.json('$.Data')",
                               "$util.base64Encode($input.json('$.Data'))", "#foreach($k in $input.path('$').keySet())$k,#end",
                               "$util.escapeJavaScript($input.path('$.a'))", "$util.parseJson($input.body)", "$util.urlEncode($input.body)",
                               "#set($x = $input.path('$.a') + 1)$x",
                               "#set($x = $input.path('$.a') * 2)$x", "#set($x = $input.path('$[0]') + $input.path('$[1]'))$x",
                               "#if($input.path('$.a') == $input.path('$.b'))same#{else}other#end", "$input.path('$[0]')"])
    return template, body, json.dumps(VARS), json.dumps(PARAMS), json.dumps(CONTEXT), json.dumps(STAGE)
