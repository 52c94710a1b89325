// Package vroom reads problems and writes results of geo/routing in the JSON of VROOM's
// API, so that problems for VROOM can be solved here.
//
// Read reads the text as a stream, in memory bounded by Limits. Every fault is an *Error
// that says where it is (jobs[3].time_windows[0]), what is wrong, and how to mend it. Read
// skips a byte order mark before the text. A key that this package does not know is an
// error. Keys that begin with "_" belong to the caller and are ignored anywhere. Whole
// numbers are seconds, metres or units; 3.0 and 3e0 are read as 3, and 3.5 is an error.
//
// # Understood
//
//   - jobs: id, description, location, location_index, setup, service, delivery,
//     pickup and amount (one dimension; amount is an older word for delivery),
//     skills, priority (up to 100,000), time_windows
//   - vehicles: id, profile, description, start, start_index, end, end_index,
//     capacity (one dimension), costs (fixed, per_hour, per_task_hour, per_km),
//     skills, type, time_window, breaks (id, description, service,
//     time_windows), speed_factor, max_tasks, max_travel_time, max_distance,
//     steps
//   - matrices.<profile>: durations, distances. Without matrices, a Travel makes them
//     from location, start and end; *_index then have no meaning.
//   - options: l (seconds to search), t (threads), g and c if false; x is
//     accepted and has no effect, because the search runs until its time is up
//
// Times beyond routing.MaxSeconds are taken for timestamps: Read then counts all times
// from a day before the earliest, and the answer has them as they came.
//
// # Where the meaning differs
//
//   - steps are pinned, not a hint: the route begins with these jobs, in this
//     order, and with service_at the service starts then, whatever the
//     windows and skills of the job and the travel time are: the answer lists each
//     conflict as a violation, and the travel is no longer than there was time for. The vehicle's own
//     time_window and limits hold; steps that break them are refused. A vehicle
//     with steps leaves at the beginning of its time_window.
//   - A duration of 10,000,000 in a matrix means that no way connects the places.
//   - A time window bounds the start of the service, after the setup; VROOM's
//     bounds the start of the setup. So a step is arrival, setup, waiting_time,
//     service, in this order.
//   - A break may be taken in the middle of a drive. It has no location, and
//     its distance is that of the last place. Breaks are taken in the order of
//     their windows, by every vehicle that goes out; those that do not fit one
//     after the other into its time_window are refused.
//   - A vehicle without capacity has no limit of load.
//   - Goals are VROOM's: the sum of priorities served, then the number served,
//     then the cost. Costs count priced travel, tasks and kilometres, as there.
//
// # Beyond VROOM
//
//   - jobs: must (an appointment, served before all other goals), crew (the
//     smallest team that may go), vehicles (ids of those that may serve it),
//     value (the cost of not serving it, under objective "cost"), earlier
//     {vehicle, start} (its place in an earlier plan)
//   - vehicles: crew (the size of the team, 1 if absent), max_work_time (seconds
//     between leaving and coming home, without breaks), overtime (seconds past the
//     end of time_window), costs per_wait_hour and per_overtime_hour
//   - objective: "value" (VROOM's, the default), "priority" (one job of a
//     higher priority outweighs any number of lower ones), "cost"
//   - balance {by: "stops" or "work", weight}; stability {vehicle, move,
//     tolerance}
//   - options: seed
//   - in results: unassigned[].reason, summary.cost_parts
//
// # Refused, and why
//
//   - shipments, and steps of type pickup and delivery: the solver has no
//     pairs of stops
//   - more than one dimension of load, and jobs with delivery beside jobs with
//     pickup: the solver sums one load over the whole route
//   - matrices.<profile>.costs: what is minimised is reported in parts, which
//     a matrix of costs has not; give costs.per_hour and per_km
//   - matrix, at the top: its newer form is matrices.car.durations
//   - setup_per_type and service_per_type: a stop takes every team equally long
//   - breaks[].max_load: the load is not followed along the route
//   - steps of type break, service_after and service_before: the solver places
//     breaks itself, and a pin has one time
//   - options.g: there is no geometry in the answer. options.c: there is no
//     mode that only times given routes; pin them by steps
package vroom
