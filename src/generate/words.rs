//! Word lists of the catalogue: twelve departments of an invented mail-order house, their goods and what belongs together.

/// A department: one taste of the customers.
#[derive(Debug)]
pub struct Department {
    /// Name of the category, as in the exports.
    pub name: &'static str,
    /// Typical list price in minor units.
    pub price: f64,
    /// Goods that stand for themselves.
    pub goods: &'static [&'static str],
    /// Goods that pull others along: the first is the anchor, the rest are bought with it and after it.
    pub families: &'static [&'static [&'static str]],
}

/// Invented makes.
pub const MAKES: [&str; 24] = [
    "Alpstein",
    "Amselhof",
    "Bergfuchs",
    "Bärlauch",
    "Dohlenturm",
    "Eisvogel",
    "Falkenau",
    "Föhnwind",
    "Grünspecht",
    "Heidekraut",
    "Kranichsee",
    "Lärchental",
    "Möwenort",
    "Morgenrot",
    "Nordlicht",
    "Quellgrund",
    "Rheinblick",
    "Seerose",
    "Silberdistel",
    "Tannberg",
    "Uferlos",
    "Wachtelkönig",
    "Wildapfel",
    "Zaunkönig",
];

/// The departments; prices differ so that baskets do.
pub const DEPARTMENTS: [Department; 12] = [
    Department {
        name: "Kaffee & Tee",
        price: 1_800.0,
        goods: &["Filterkaffee", "Tee „Gute Nacht“", "Milchaufschäumer", "Kaffeedose", "Teesieb", "Thermobecher"],
        families: &[&["Espressomaschine", "Espressobohnen 1 kg", "Entkalker 500 ml"], &["Teekanne", "Grüner Tee"]],
    },
    Department {
        name: "Bürobedarf",
        price: 1_500.0,
        goods: &["Monitor 24\"", "Ordner breit", "Kugelschreiber", "Schreibtischmatte", "Locher", "Hängeregister"],
        families: &[
            &["Tintenstrahldrucker", "Druckerpatrone schwarz", "Fotopapier A4"],
            &["Aktenvernichter", "Spezialöl"],
        ],
    },
    Department {
        name: "Küche",
        price: 2_900.0,
        goods: &["Kochtopf", "Schälmesser", "Rührschüssel", "Küchenwaage", "Geschirrtuch", "Auflaufform"],
        families: &[&["Brotbackautomat", "Backmischung Dinkel", "Trockenhefe"], &["Gusspfanne", "Pflegeöl"]],
    },
    Department {
        name: "Garten",
        price: 2_600.0,
        goods: &["Gießkanne", "Rosenschere", "Blumenerde", "Gartenschlauch", "Vogelhäuschen", "Hochbeet"],
        families: &[&["Kugelgrill", "Holzkohle 5 kg", "Anzündwolle"], &["Rasenmäher", "Rasendünger"]],
    },
    Department {
        name: "Heimtier",
        price: 1_600.0,
        goods: &["Hundeleine", "Kratzbaum", "Näpfe; 2er-Set", "Hundebett", "Vogelfutter", "Bürste"],
        families: &[&["Katzentoilette", "Katzenstreu 10 l", "Streuschaufel"], &["Aquarium", "Fischfutter"]],
    },
    Department {
        name: "Sport & Freizeit",
        price: 3_900.0,
        goods: &["Laufhose", "Trinkflasche", "Rucksack", "Stirnlampe", "Yogamatte", "Wanderstöcke"],
        families: &[&["Trekkingzelt", "Heringe, 10 Stück", "Isomatte"], &["Fahrradpumpe", "Flickzeug"]],
    },
    Department {
        name: "Spielwaren",
        price: 2_200.0,
        goods: &["Brettspiel", "Puzzle 1.000 Teile", "Stofftier", "Kreisel", "Kartenspiel", "Drachen"],
        families: &[&["Holzeisenbahn", "Schienenset", "Weichenset"], &["Malkasten", "Pinselset"]],
    },
    Department {
        name: "Elektronik",
        price: 14_900.0,
        goods: &["Kopfhörer", "Ladegerät", "Radio", "USB-Kabel", "Lautsprecher", "Wetterstation"],
        families: &[&["Digitalkamera", "Speicherkarte 64 GB", "Kameratasche"], &["Funkmaus", "Batterien AA"]],
    },
    Department {
        name: "Leuchten",
        price: 3_400.0,
        goods: &["Nachtlicht", "Schreibtischlampe", "Deckenleuchte", "Windlicht", "Taschenlampe", "Solarleuchte"],
        families: &[&["Stehleuchte", "LED-Lampe E27", "Dimmer"], &["Lichterkette", "Verlängerungskabel"]],
    },
    Department {
        name: "Heimwerken",
        price: 2_700.0,
        goods: &["Hammer", "Wasserwaage", "Zollstock", "Schleifpapier", "Werkzeugkoffer", "Maßband"],
        families: &[&["Akkuschrauber", "Bit-Set", "Schrauben 4×40"], &["Tapeziertisch", "Kleister"]],
    },
    Department {
        name: "Wohntextilien",
        price: 3_100.0,
        goods: &["Kissen", "Vorhang", "Badetuch", "Tischläufer", "Wolldecke", "Teppich"],
        families: &[&["Matratze", "Spannbettlaken", "Matratzenschoner"], &["Bettdecke", "Bettbezug"]],
    },
    Department {
        name: "Körperpflege",
        price: 1_300.0,
        goods: &["Seife", "Handcreme", "Kamm", "Badesalz", "Duschgel", "Nagelfeile"],
        families: &[&["Nassrasierer", "Rasierklingen 8er", "Rasiergel"], &["Schallzahnbürste", "Aufsteckbürsten"]],
    },
];
