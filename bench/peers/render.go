// Go's text/template as a peer: render JOB FOLDER. JOB is what peers.py writes.
package main

import (
	"bytes"
	"encoding/json"
	"log"
	"os"
	"path/filepath"
	"text/template"
)

type job struct {
	Templates map[string]map[string]string
	Shared    map[string]map[string]any
	Files     []struct {
		Path, Template, Service string
		Values                  map[string]any
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	text, err := os.Open(os.Args[1])
	must(err)
	var j job
	decoder := json.NewDecoder(text)
	decoder.UseNumber() // a float would be printed as one
	must(decoder.Decode(&j))
	templates := map[string]*template.Template{}
	for name, texts := range j.Templates {
		templates[name] = template.Must(template.New(name).Option("missingkey=error").Parse(texts["go"]))
	}
	var out bytes.Buffer
	for _, file := range j.Files {
		scope := map[string]any{}
		for name, value := range j.Shared[file.Service] {
			scope[name] = value
		}
		for name, value := range file.Values {
			scope[name] = value
		}
		out.Reset()
		must(templates[file.Template].Execute(&out, scope))
		path := filepath.Join(os.Args[2], file.Path)
		must(os.MkdirAll(filepath.Dir(path), 0o755))
		must(os.WriteFile(path, out.Bytes(), 0o644))
	}
}
