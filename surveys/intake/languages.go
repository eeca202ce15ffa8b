package intake

// languages are the labels that forms offer in other languages.
var languages = []family{
	// German
	{"agreement", [][]string{
		{"stimme überhaupt nicht zu", "stimme gar nicht zu", "trifft überhaupt nicht zu", "trifft gar nicht zu"},
		{"stimme nicht zu", "trifft nicht zu", "lehne ab"}, {"neutral", "weder noch", "teils, teils",
			"teils teils", "teils/teils"},
		{"stimme zu", "trifft zu"},
		{"stimme voll und ganz zu", "stimme voll zu", "stimme völlig zu", "trifft voll und ganz zu", "trifft voll zu"},
	}},
	{"agreement", [][]string{
		{"stimme nicht zu", "trifft nicht zu"}, {"stimme eher nicht zu", "trifft eher nicht zu"},
		{"neutral", "weder noch", "teils, teils", "teils teils", "teils/teils"}, {"stimme eher zu", "trifft eher zu"},
		{"stimme zu", "trifft zu"},
	}},
	{"agreement", [][]string{
		{"stimme überhaupt nicht zu", "stimme gar nicht zu", "trifft überhaupt nicht zu", "trifft gar nicht zu"},
		{"stimme eher nicht zu", "trifft eher nicht zu"},
		{"neutral", "weder noch", "teils, teils", "teils teils", "teils/teils"}, {"stimme eher zu", "trifft eher zu"},
		{"stimme voll und ganz zu", "stimme voll zu", "stimme völlig zu", "trifft voll und ganz zu", "trifft voll zu"},
	}},
	{"satisfaction", [][]string{
		{"sehr unzufrieden", "äußerst unzufrieden"}, {"unzufrieden", "eher unzufrieden"},
		{"neutral", "weder noch", "weder zufrieden noch unzufrieden", "teils, teils"}, {"zufrieden", "eher zufrieden"},
		{"sehr zufrieden", "äußerst zufrieden"},
	}},
	{"frequency", [][]string{{"nie", "niemals"}, {"selten"}, {"manchmal", "gelegentlich"}, {"oft", "häufig",
		"meistens"}, {"immer"}}},
	{"quality", [][]string{{"sehr schlecht"}, {"schlecht"}, {"mittelmäßig", "mittel", "durchschnittlich"},
		{"gut"}, {"sehr gut"}}},
	// French
	{"agreement", [][]string{
		{"pas du tout d'accord", "fortement en désaccord"}, {"pas d'accord", "en désaccord"},
		{"neutre", "ni d'accord ni en désaccord", "ni d'accord, ni en désaccord", "ni d'accord ni pas d'accord",
			"sans opinion"},
		{"d'accord"}, {"tout à fait d'accord", "entièrement d'accord", "fortement d'accord"},
	}},
	{"agreement", [][]string{
		{"pas du tout d'accord"}, {"plutôt pas d'accord"},
		{"neutre", "ni d'accord ni en désaccord", "ni d'accord, ni en désaccord", "ni d'accord ni pas d'accord"},
		{"plutôt d'accord"}, {"tout à fait d'accord", "entièrement d'accord"},
	}},
	{"satisfaction", [][]string{
		{"très insatisfait", "très insatisfait(e)", "pas du tout satisfait", "très mécontent"},
		{"insatisfait", "insatisfait(e)", "plutôt insatisfait", "mécontent"},
		{"neutre", "ni satisfait ni insatisfait", "ni satisfait, ni insatisfait"},
		{"satisfait", "satisfait(e)", "plutôt satisfait"}, {"très satisfait", "très satisfait(e)",
			"tout à fait satisfait"},
	}},
	{"frequency", [][]string{{"jamais"}, {"rarement"}, {"parfois", "quelquefois"}, {"souvent"}, {"toujours"}}},
	{"quality", [][]string{{"très mauvais", "très mauvaise"}, {"mauvais", "mauvaise"}, {"moyen", "moyenne"},
		{"bon", "bonne", "bien"},
		{"très bon", "très bonne", "très bien"}}},
	// Spanish
	{"agreement", [][]string{
		{"totalmente en desacuerdo", "muy en desacuerdo", "completamente en desacuerdo"},
		{"en desacuerdo", "algo en desacuerdo"}, {"neutral", "neutro", "ni de acuerdo ni en desacuerdo"},
		{"de acuerdo", "algo de acuerdo"}, {"totalmente de acuerdo", "muy de acuerdo", "completamente de acuerdo"},
	}},
	{"satisfaction", [][]string{
		{"muy insatisfecho", "muy insatisfecho/a", "muy insatisfecha"}, {"insatisfecho", "insatisfecho/a",
			"insatisfecha"},
		{"neutral", "neutro", "ni satisfecho ni insatisfecho"}, {"satisfecho", "satisfecho/a", "satisfecha"},
		{"muy satisfecho", "muy satisfecho/a", "muy satisfecha"},
	}},
	{"frequency", [][]string{{"nunca"}, {"rara vez", "raramente", "casi nunca"}, {"a veces", "algunas veces"},
		{"a menudo", "frecuentemente", "con frecuencia", "casi siempre"}, {"siempre"}}},
	{"quality", [][]string{{"muy malo", "muy mala"}, {"malo", "mala"}, {"regular"}, {"bueno", "buena"},
		{"muy bueno", "muy buena"}}},
	// Portuguese
	{"agreement", [][]string{
		{"discordo totalmente", "discordo completamente"}, {"discordo", "discordo parcialmente", "discordo em parte"},
		{"neutro", "nem concordo nem discordo", "não concordo nem discordo", "indiferente"},
		{"concordo", "concordo parcialmente", "concordo em parte"}, {"concordo totalmente", "concordo completamente"},
	}},
	{"satisfaction", [][]string{
		{"muito insatisfeito", "muito insatisfeito(a)"}, {"insatisfeito", "insatisfeito(a)"},
		{"neutro", "indiferente", "nem satisfeito nem insatisfeito"}, {"satisfeito", "satisfeito(a)"},
		{"muito satisfeito", "muito satisfeito(a)"},
	}},
	{"frequency", [][]string{{"nunca"}, {"raramente", "quase nunca"}, {"às vezes", "algumas vezes", "ocasionalmente"},
		{"frequentemente", "com frequência", "muitas vezes", "quase sempre"}, {"sempre"}}},
	// Italian
	{"agreement", [][]string{
		{"totalmente in disaccordo", "completamente in disaccordo", "fortemente in disaccordo", "per niente d'accordo"},
		{"in disaccordo", "poco d'accordo"}, {"neutrale", "neutro", "né d'accordo né in disaccordo",
			"né in accordo né in disaccordo"},
		{"d'accordo", "abbastanza d'accordo"},
		{"totalmente d'accordo", "completamente d'accordo", "fortemente d'accordo", "molto d'accordo"},
	}},
	{"satisfaction", [][]string{{"molto insoddisfatto"}, {"insoddisfatto"}, {"neutrale", "neutro",
		"né soddisfatto né insoddisfatto"},
		{"soddisfatto"}, {"molto soddisfatto"}}},
	{"frequency", [][]string{{"mai"}, {"raramente"}, {"a volte", "qualche volta"}, {"spesso"}, {"sempre"}}},
	// Dutch
	{"agreement", [][]string{
		{"helemaal mee oneens", "zeer mee oneens", "helemaal oneens", "zeer oneens"}, {"mee oneens", "oneens"},
		{"neutraal", "niet mee eens en niet mee oneens", "niet eens, niet oneens"}, //nolint:misspell // Dutch
		{"mee eens", "eens"},
		{"helemaal mee eens", "zeer mee eens", "helemaal eens", "zeer eens"},
	}},
	{"satisfaction", [][]string{
		{"zeer ontevreden", "heel ontevreden"}, {"ontevreden"}, {"neutraal"}, //nolint:misspell // Dutch
		{"tevreden"}, {"zeer tevreden", "heel tevreden"},
	}},
	{"frequency", [][]string{{"nooit"}, {"zelden"}, {"soms"}, {"vaak"}, {"altijd"}}},
	// Japanese
	{"agreement", [][]string{
		{"全くそう思わない", "まったくそう思わない", "全く同意しない", "強く反対"}, {"そう思わない", "あまりそう思わない", "同意しない"},
		{"どちらとも言えない", "どちらともいえない", "どちらでもない"}, {"そう思う", "ややそう思う", "同意する"},
		{"とてもそう思う", "非常にそう思う", "強くそう思う", "大いにそう思う", "強く同意する"},
	}},
	{"agreement", [][]string{
		{"そう思わない"}, {"あまりそう思わない"}, {"どちらとも言えない", "どちらともいえない", "どちらでもない"}, {"ややそう思う"}, {"そう思う"},
	}},
	{"satisfaction", [][]string{
		{"非常に不満", "とても不満", "大変不満"}, {"不満", "やや不満"}, {"どちらでもない", "どちらとも言えない", "どちらともいえない", "普通"},
		{"満足", "やや満足"}, {"非常に満足", "とても満足", "大変満足"},
	}},
	{"frequency", [][]string{{"全くない", "まったくない"}, {"めったにない", "ほとんどない"}, {"時々", "ときどき", "たまに"}, {"よくある", "頻繁に"},
		{"いつも", "常に"}}},
	// Chinese
	{"agreement", [][]string{{"非常不同意", "完全不同意"}, {"不同意"}, {"中立", "一般", "不确定"}, {"同意"}, {"非常同意", "完全同意"}}},
	{"satisfaction", [][]string{{"非常不满意"}, {"不满意"}, {"一般", "中立"}, {"满意"}, {"非常满意"}}},
}
