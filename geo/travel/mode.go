package travel

// Mode is a way of moving.
type Mode string

const (
	// Foot is walking.
	Foot Mode = "foot"
	// Bicycle is a bicycle without a motor.
	Bicycle Mode = "bicycle"
	// Scooter is a small motorcycle or moped: it keeps to the roads of cars
	// but not to motorways.
	Scooter Mode = "scooter"
	// Car is a passenger car.
	Car Mode = "car"
)

// Modes returns all modes, slowest first.
func Modes() []Mode { return []Mode{Foot, Bicycle, Scooter, Car} }

// ParseMode reads a mode; empty means Car. Anything else is a *refusal.Error with CodeMode.
func ParseMode(text string) (Mode, error) {
	switch mode := Mode(text); mode {
	case "":
		return Car, nil
	case Foot, Bicycle, Scooter, Car:
		return mode, nil
	}
	return "", fault(CodeMode, nil, "unknown mode %.40q: write foot, bicycle, scooter or car", text)
}
