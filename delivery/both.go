package delivery

// bothWords is a short text in the two languages of the house.
type bothWords struct{ zh, en string }

// In gives the text in the language asked for: "en" is English, all else Chinese.
func (w bothWords) In(lang string) string {
	if lang == "en" {
		return w.en
	}
	return w.zh
}
