package main

import "doorstep/server/conduct/words"

type messagesCmd struct {
	Lint   messagesLintCmd   `cmd:"" help:"Judge texts to debtors, one question a line."`
	Intent messagesIntentCmd `cmd:"" help:"Read what replies ask for, one question a line."`
}

type messagesLintCmd struct {
	File string `arg:"" default:"-" help:"The questions; - for standard input."`
}

// Run answers each line with a line, as plans preview does.
func (c *messagesLintCmd) Run(s streams) error {
	return answerLines(s, c.File, words.AppendLint, appendMessageProblem)
}

type messagesIntentCmd struct {
	File string `arg:"" default:"-" help:"The questions; - for standard input."`
}

// Run answers each line with a line, as plans preview does.
func (c *messagesIntentCmd) Run(s streams) error {
	return answerLines(s, c.File, words.AppendIntent, appendMessageProblem)
}

func appendMessageProblem(b []byte, err error) []byte { return words.AppendProblem(b, nil, err) }
