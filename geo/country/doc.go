// Package country knows of each country which time zones it has and where, in which boxes it
// lies, and where its land is, so that a position or a zone that cannot be the country's is
// noticed where it comes in.
//
// Countries are named by ISO 3166-1, or a part of one by ISO 3166-2 (US-MA), which is judged as
// its country. A country includes those of its parts that have a code of their own as well: FR
// has RE, US has PR.
//
// The data is made by scripts/countries. Zones are those of zone.tab of the tz database. Where
// they hold is known to about a kilometre, and between zones whose clocks show the same it is not
// told apart; the boundaries are those of timezone-boundary-builder, © OpenStreetMap contributors,
// ODbL 1.0. The outlines of land are Natural Earth's at 1:10,000,000, accurate to a few
// kilometres, and lack some small islands. It is a check of mistakes: it settles no border.
package country
