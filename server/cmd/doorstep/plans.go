package main

import "doorstep/server/repayment"

type plansCmd struct {
	Preview plansPreviewCmd `cmd:"" help:"Compute plans of repayment, one question a line."`
}

type plansPreviewCmd struct {
	File string `arg:"" default:"-" help:"The questions; - for standard input."`
}

// Run answers each line with a line. A line that cannot be answered gets a problem, and the others go on.
func (c *plansPreviewCmd) Run(s streams) error {
	return answerLines(s, c.File, repayment.AppendAnswer, repayment.AppendProblem)
}
