// The AWS SDK for Go v2 under the scenarios: each line of standard input is a call as JSON, answered by a line on standard
// output. Whatever operation is named is called through its typed method, input and output; ../clients.py says the form.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/smithy-go"
)

type request struct {
	Op   string
	Wait string
	In   json.RawMessage
}

func decode(text json.RawMessage, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

func call(ctx context.Context, client *kinesis.Client, r request) (any, error) {
	method := reflect.ValueOf(client).MethodByName(r.Op)
	if !method.IsValid() {
		return nil, fmt.Errorf("the SDK has no %s", r.Op)
	}
	input := reflect.New(method.Type().In(1).Elem())
	if err := decode(r.In, input.Interface()); err != nil {
		return nil, err
	}
	results := method.Call([]reflect.Value{reflect.ValueOf(ctx), input})
	err, _ := results[1].Interface().(error)
	return results[0].Interface(), err
}

func wait(ctx context.Context, client *kinesis.Client, r request) error {
	var input kinesis.DescribeStreamInput
	if err := decode(r.In, &input); err != nil {
		return err
	}
	switch r.Wait {
	case "StreamExists":
		return kinesis.NewStreamExistsWaiter(client, func(o *kinesis.StreamExistsWaiterOptions) {
			o.MinDelay = time.Second
		}).Wait(ctx, &input, time.Minute)
	case "StreamNotExists":
		return kinesis.NewStreamNotExistsWaiter(client, func(o *kinesis.StreamNotExistsWaiterOptions) {
			o.MinDelay = time.Second
		}).Wait(ctx, &input, time.Minute)
	}
	return fmt.Errorf("the SDK has no waiter %s", r.Wait)
}

func answer(output any, err error) map[string]any {
	if err == nil {
		return map[string]any{"out": output}
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return map[string]any{"error": "client", "type": fmt.Sprintf("%T", err), "message": err.Error()}
	}
	return map[string]any{
		"error": api.ErrorCode(), "type": reflect.TypeOf(api).Elem().Name(), "message": api.ErrorMessage()}
}

func main() {
	client := kinesis.New(kinesis.Options{
		BaseEndpoint: aws.String(os.Args[1]),
		Region:       "us-east-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	})
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return // the end of the scenarios
		}
		var r request
		var output any = struct{}{}
		if err = decode(line, &r); err == nil && r.Wait != "" {
			err = wait(context.Background(), client, r)
		} else if err == nil {
			output, err = call(context.Background(), client, r)
		}
		text, err := json.Marshal(answer(output, err))
		if err != nil {
			panic(err)
		}
		fmt.Println(string(text))
	}
}
